"""Each rule fires where it should, at the right place, and stays silent on what only looks like a fault."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from inspecting import ADDRESS, HEADERS, SITE, edition_of, found, inspection_of, issue_of, places

from newsletter.check.registry import RULES
from newsletter.finding import Finding, Severity

HEAD = "---\nsubject: A fine subject\npreheader: In a sentence\n---\n"  # the body starts on line 5
SECOND = issue_of("---\nsubject: What is a token\n---\nText", "002-what-is-a-token.md")

# (rule, issue, places where it fires)
FIRES = [
    ("subject-missing", "Only text", [(1, 1)]),
    ("subject-long", f"---\nauthor: a\nsubject: {'x' * 70}\n---\nText", [(3, 10)]),
    ("subject-limit", f"---\nsubject: {'x ' * 500}y\n---\nText", [(2, 10)]),
    ("subject-shouting", "---\nsubject: READ THIS NOW\n---\nText", [(2, 10)]),
    ("subject-shouting", "---\nsubject: Read this!!\n---\nText", [(2, 10)]),
    ("status-draft", "---\nsubject: a\nstatus: draft\n---\nText", [(3, 9)]),
    ("status-draft", '+++\ntitle = "a"\ndraft = true\n+++\nText', [(3, 9)]),
    ("status-hold", "---\nsubject: a\nstatus: hold\n---\nText", [(3, 9)]),
    ("next-unknown", "---\nsubject: a\nnext: what-is-a-tokn\n---\nText", [(3, 7)]),
    ("next-unknown", "---\nsubject: a\nnext: a-name\n---\nText", [(3, 7)]),
    ("slot-past", "---\nsubject: a\nslot: 2026-11-20\n---\nText", [(3, 7)]),
    ("slot-day", "---\nsubject: a\nslot: 2026-11-25 09:00\n---\nText", [(3, 7)]),
    ("date-past", "---\nsubject: a\ndate: 2026-11-23\n---\nText", [(3, 7)]),
    ("front-matter-date", "---\nsubject: a\ndate: 2026-02-30\n---\nText", [(3, 1)]),
    ("front-matter-unknown-key", "---\nsubject: a\nsubjekt: b\n---\nText", [(3, 1)]),
    ("preheader-missing", "---\nsubject: a\n---\nText", [(1, 1)]),
    ("number-duplicate", "---\nsubject: a\nnumber: 2\n---\nText", [(3, 9)]),
    ("slug-duplicate", "---\nsubject: a\nslug: what-is-a-token\n---\nText", [(3, 7)]),
    ("body-empty", HEAD + "\n<!-- to come -->\n---\n", [(5, 1)]),
    ("code-fence-open", HEAD + "Text\n\n  ```python\ncode\n", [(7, 3)]),
    ("heading-skipped", HEAD + "## A\n\ntext\n\n#### B\n", [(9, 1)]),
    ("heading-skipped", HEAD + "# A\n\n### B\n", [(7, 1)]),
    ("html-removed", HEAD + "Text\n\n<script>x</script>\n", [(7, 1)]),
    ("placeholder-text", HEAD + "Text\nAnd TODO: more, see [link] and [x](y) and TBD", [(6, 5), (6, 21), (6, 43)]),
    ("placeholder-text", HEAD + "Dear [name],\n\nInsert link here\n", [(5, 6), (7, 1)]),
    ("placeholder-text", HEAD + "Go to <insert address here> for lorem ipsum", [(5, 7), (5, 33)]),
    ("placeholder-filler", HEAD + "a\nLorem ipsum\ndolor sit amet", [(6, 1)]),
    ("placeholder-subject", "---\nsubject: TODO\ntitle: Fine\npreheader: TBD\n---\nText", [(2, 10), (4, 12)]),
    ("language-unknown", "---\nsubject: a\nlanguage: english\n---\nText", [(3, 11)]),
    ("language-unknown", "---\nsubject: a\nlang: xx\n---\nText", [(3, 7)]),
    ("link-relative", HEAD + "a\n[b](/c) [d][e] <a href='../f.html'>g</a>\n\n[e]: h/i", [(6, 5), (6, 25), (8, 6)]),
    ("link-relative", HEAD + "[b](www.c.example)", [(5, 5)]),
    ("link-issue-unknown", HEAD + "[b](003-nothing.md#c)", [(5, 5)]),
    ("link-empty", HEAD + "a [b]() [c](#) ![d]()", [(5, 3), (5, 9), (5, 16)]),
    ("link-anchor-missing", HEAD + "## Large models\n\n[b](#large-model)", [(7, 5)]),
    ("link-local", HEAD + "[b](http://localhost:8000/) <a href='http://192.168.1.2'>c</a>", [(5, 5), (5, 38)]),
    ("link-insecure", HEAD + "http://b.example, ![c](http://d.example/e.png)", [(5, 1), (5, 24)]),
    ("link-text-empty", HEAD + "a [](https://b.example) <a href='https://c.example'> </a>", [(5, 3), (5, 25)]),
    ("link-text-empty", HEAD + "[![](https://c.example/d.png)](https://b.example)", [(5, 1)]),
    ("link-text-vague", HEAD + "Click [**here**.](https://b.example)", [(5, 7)]),
    ("image-relative", HEAD + "a ![b](img/c.png) <img src='d.png' alt='e'>", [(5, 8), (5, 29)]),
    ("image-alt-missing", HEAD + "a ![](https://c.example/d)\n<img src='https://c.example/d'>", [(5, 3), (6, 1)]),
    ("image-alt-file-name", HEAD + "![IMG_2034.PNG](https://c.example/d.png)", [(5, 1)]),
    ("merge-tag-no-default", HEAD + "Hello {{ name }},\n{{ first_name | upper }}", [(5, 7), (6, 1)]),
    ("merge-tag-no-default", "---\nsubject: Hello {{ name }}\n---\nText", [(2, 10)]),
    # against earlier issues and the glossary
    ("slot-date", "---\nsubject: a\ndate: 2026-11-27\nslot: 2026-12-01\n---\nText", [(3, 7)]),
    ("glossary-undefined", HEAD + "A <dfn>vector</dfn> and a <dfn>token</dfn>", [(5, 8), (5, 32)]),
    # the inbox
    ("subject-wordless", "---\nsubject: 🎉 🎉!\n---\nText", [(2, 10)]),
    ("subject-reply", "---\nsubject: 'Fwd: the news'\n---\nText", [(2, 11)]),
    ("subject-invisible", "---\nsubject: The\u200b news\n---\nText", [(2, 10)]),
    ("subject-invisible", "---\nsubject: a\npreheader: The \u202enews\n---\nText", [(3, 12)]),
    ("preheader-repeats", "---\nsubject: The news of today\npreheader: The news.\n---\nText", [(3, 12)]),
    ("preheader-long", f"---\nsubject: a\npreheader: {'x' * 151}\n---\nText", [(3, 12)]),
    # Markdown that does not do what it looks like
    ("emphasis-open", HEAD + "A\n\nThis is **bold\n\nB **c**\n", [(7, 9)]),
    ("emphasis-open", HEAD + "This is ** bold ** indeed", [(5, 17)]),
    ("heading-crowded", HEAD + "Text\n\n##A heading\n", [(7, 1)]),
    ("footnote-undefined", HEAD + "Text[^1] and[^2]\n\n[^1]: a\n", [(5, 13)]),
    ("footnote-unused", HEAD + "Text[^1]\n\n[^1]: a\n[^2]: b\n", [(8, 1)]),
    ("table-broken", HEAD + "Text\n\n| a | b | c |\n|---|---|\n| 1 | 2 | 3 |\n", [(8, 1)]),
    ("link-broken", HEAD + "A [b](https://b.example/c d) [e] (https://f.example) (g)[https://h.example]",
     [(5, 5), (5, 32), (5, 54)]),
    ("link-broken", HEAD + "A [b][nothing] and [c](https://d.example and on", [(5, 5), (5, 22)]),
    # slips of the pen
    ("word-repeated", HEAD + "This is the\nthe end, and of of it", [(6, 1), (6, 17)]),
    ("quotes-unbalanced", HEAD + 'He said "no.\n\nAnd “yes.\n\nThen.', [(5, 9), (7, 5)]),
    ("brackets-unbalanced", HEAD + "One (two (three).\n\nFour) five", [(5, 5), (7, 5)]),
    ("date-weekday", HEAD + "On Wednesday, 24 November we meet. Not Monday, December 1st, 2026", [(5, 4), (5, 40)]),
    ("date-weekday", HEAD + "See you on Fri 2026-11-26", [(5, 12)]),
    ("date-impossible", HEAD + "From 31 November to February 30", [(5, 6), (5, 21)]),
    ("date-impossible", HEAD + "On February 29, 2027", [(5, 4)]),
    ("invisible-character", HEAD + "a\u200bb and \ufeffc", [(5, 2), (5, 9)]),
    ("letters-mixed", HEAD + "An аpple", [(5, 4)]),
    ("sentence-long", HEAD + "Short. " + "Word " * 41 + "end.", [(5, 8)]),
    # where links lead
    ("link-shortener", HEAD + "[a](https://bit.ly/3xyz) www.tinyurl.com/b", [(5, 5), (5, 26)]),
    ("link-personal", HEAD + "[a](https://b.example/?x=1&fbclid=2) [c](https://d.example/?mc_eid=)", [(5, 5), (5, 42)]),
    ("link-tracking", HEAD + "[a](https://b.example/?utm_source=c)", [(5, 5)]),
    ("link-masked", HEAD + "a [https://b.example](https://c.example) [www.d.example](http://e.example)",
     [(5, 3), (5, 42)]),
    ("link-credentials", HEAD + "[a](https://me:secret@b.example/)", [(5, 5)]),
    ("link-mailto", HEAD + "[a](mailto:b) [c](mailto:d@e.example,f)", [(5, 5), (5, 19)]),
    ("link-spaces", HEAD + "[a ](https://b.example) ![ c]( https://d.example/e.png )", [(5, 3), (5, 27)]),
    # programs that do not show it
    ("client-css", HEAD + "Text\n\n<div style='display: flex'>a</div>", [(7, 1)]),
    ("client-css-pretty", HEAD + "<span style='border-radius: 3px'>a</span>", [(5, 1)]),
    ("client-image", HEAD + "![a](https://b.example/c.svg) ![d](https://b.example/e.WEBP?f)", [(5, 6), (5, 36)]),
    ("client-anchor", HEAD + "## A heading\n\nSee [above](#a-heading)", [(7, 5)]),
    # readers who listen or see little
    ("heading-empty", HEAD + "## A\n\n##\n\nText", [(7, 1)]),
    ("table-header-missing", HEAD + "Text\n\n<table><tr><td>one</td></tr><tr><td>two</td></tr></table>", [(7, 16)]),
    ("contrast-low", HEAD + "Text\n\n<p style='color: #999'>Too grey to be read</p>", [(7, 24)]),
    ("contrast-low", HEAD + "<div style='background-color:#c00'><b style='color:#f00'>Red on red</b></div>", [(5, 58)]),
    ("emoji-run", HEAD + "Yes 🎉🎉 🎉🎉!", [(5, 5)]),
    # parts
    ("code-wide", HEAD + "```\n" + "x" * 101 + "\n```", [(6, 101)]),
    ("image-only", HEAD + "Hello\n\n![a](https://b.example/c.png)", [(7, 1)]),
    ("merge-tag-foreign", HEAD + "Hello *|FNAME|*, %FIRSTNAME%, [firstname]", [(5, 7), (5, 18), (5, 31)]),
    ("merge-tag-foreign", "---\nsubject: Hello %%first_name%%\n---\nText", [(2, 10)]),
    ("merge-tag-broken", HEAD + "Hello {name}, { first_name | upper } or {{ name }", [(5, 7), (5, 15), (5, 41)]),
]  # fmt: skip

# (rule, issue) where a careless rule would fire
SILENT = [
    ("subject-missing", "# Only a heading\n\nText"),
    ("subject-long", f"---\nsubject: {'x' * 69}\n---\nText"),
    ("subject-long", f'---\nsubject: \'{"x" * 60} {{{{ name | default("there") }}}}\'\n---\nText'),
    ("subject-limit", f"---\nsubject: {'x' * 998}\n---\nText"),
    ("subject-shouting", "---\nsubject: NATO AND UN\n---\nText"),
    ("subject-shouting", "---\nsubject: RETRIEVAL!\n---\nText"),
    ("subject-shouting", "---\nsubject: 你好，今天的主题是什么\n---\nText"),
    ("status-draft", "---\nsubject: a\nstatus: ready\ntags: [draft]\n---\nText"),
    ("status-hold", "---\nsubject: hold\n---\nText"),
    ("next-unknown", "---\nsubject: a\nnext: what-is-a-token\n---\nText"),
    ("next-unknown", "---\nsubject: a\nnext: 002-what-is-a-token.md\n---\nText"),
    ("slot-past", "---\nsubject: a\nslot: 2026-11-24 00:00\n---\nText"),
    ("slot-day", "---\nsubject: a\nslot: 2026-11-27\n---\nText"),
    ("date-past", "---\nsubject: a\ndate: 2026-11-24\n---\nText"),
    ("front-matter-date", "---\nsubject: a\ndate: 2028-02-29\n---\nText"),
    ("front-matter-unknown-key", "---\nsubject: a\nlayout: post\n---\nText"),
    ("preheader-missing", "---\nsubject: a\nsummary: b\n---\nText"),
    ("preheader-missing", "---\nsubject: a\nsubtitle: b\n---\nText"),
    ("number-duplicate", "---\nsubject: a\nnumber: 3\n---\nText"),
    ("slug-duplicate", "---\nsubject: a\nslug: what-is-a-token-2\n---\nText"),
    ("body-empty", HEAD + "👍"),
    ("body-empty", HEAD + "![a](https://b.example/c.png)"),
    ("code-fence-open", HEAD + "````\n```\n````\n"),
    ("heading-skipped", HEAD + "## A\n\n### B\n\n## C\n\n```\n#### d\n```\n"),
    ("html-removed", HEAD + "`<script>`, Vec<T>"),
    ("placeholder-text", HEAD + "Todoist, a todo list, the TODO list, FIX-TODO, TODOs, Super Bowl XXX, `TODO`, [x]"),
    ("placeholder-text", HEAD + "Insert the card here, then wait. <https://a.example/TODO> [link](https://b.example)"),
    ("placeholder-text", HEAD + "See [link].\n\n[link]: https://b.example"),
    ("placeholder-filler", HEAD + "What does lorem ipsum mean?"),
    ("placeholder-subject", "---\nsubject: Why a todo list works\n---\nTODO"),
    ("language-unknown", "---\nsubject: a\nlanguage: zh-Hant-TW\n---\nText"),
    ("language-unknown", "---\nsubject: a\nlanguage: pt-br\n---\nText"),
    ("language-unknown", "---\nsubject: a\nlanguage: gsw\n---\nText"),
    ("link-relative", HEAD + "[a](https://b.example) [c](mailto:d@e.example) [f](tel:+49) www.g.example"),
    ("link-relative", HEAD + "<h@i.example> [j](//k.example)"),
    ("link-relative", HEAD + "[a](002-what-is-a-token.md) [b](../issues/002-what-is-a-token.md#c)"),
    ("link-relative", HEAD + "[a]({{ unsubscribe_url }}) [b](#c) `[d](e)`"),
    ("link-issue-unknown", HEAD + "[a](./002-what-is-a-token.md#b) [c](https://d.example/README.md)"),
    ("link-empty", HEAD + "[a](#b) [ ] c []"),
    ("link-anchor-missing", HEAD + "## Large *models*\n\n<a name='x'></a>\n\n[b](#large-models) [c](#x) [d](#%78)"),
    ("link-local", HEAD + "Open http://localhost:8000, see [a](https://localhost.example) and [b](https://10.example)"),
    ("link-insecure", HEAD + "[a](https://b.example/?u=http://c.example) `http://d.example` [e](http://localhost)"),
    ("link-text-empty", HEAD + "[`a`](https://b.example) [![c](https://d.example/e.png)](https://b.example)"),
    ("link-text-empty", HEAD + "<a href='https://b.example'><img src='https://c.example/d.png' alt='e'></a>"),
    ("link-text-vague", HEAD + "[Here be dragons](https://b.example) click here"),
    ("image-relative", HEAD + "![a](https://b.example/c.png) `![d](e.png)`"),
    ("image-alt-missing", HEAD + '![a](https://b.example/c.png) <img alt="" src="https://b.example/c.png">'),
    ("image-alt-file-name", HEAD + "![The file a.png in an editor](https://b.example/c.png)"),
    ("merge-tag-no-default", HEAD + 'Hello {{ name | default("there") }}, `{{ name }}`, {{ email }}, {{ vars.name }}'),
    ("slot-date", "---\nsubject: a\ndate: 2026-11-27\nslot: 2026-11-27 09:00\n---\nText"),
    ("glossary-undefined", HEAD + "A vector, `<dfn>vector</dfn>`"),
    ("subject-wordless", "---\nsubject: 🎉 42\n---\nText"),
    ("subject-reply", "---\nsubject: 'Reply: the news, Re: nothing'\n---\nText"),
    ("subject-invisible", "---\nsubject: 'Family 👨‍👩‍👧 and שלום'\n---\nText"),
    ("preheader-repeats", "---\nsubject: The news\npreheader: The news of today\n---\nText"),
    ("preheader-long", f"---\nsubject: a\npreheader: {'x' * 150}\n---\nText"),
    ("emphasis-open", HEAD + "**a** `**b` 2**3 and \\*\\* c\n\n```\n**d\n```\n\n***\n"),
    ("heading-crowded", HEAD + "## A\n\n#hashtag\n\n`##b`\n\n    ##c\n"),
    ("footnote-undefined", HEAD + "Text[^1] `[^2]`\n\n[^1]: a\n"),
    ("footnote-unused", HEAD + "Text[^a]\n\n[^a]: b\n    c\n"),
    ("table-broken", HEAD + "| a | b |\n|---|:-:|\n| 1 | 2 \\| 3 |\n\n---\n\n```\n| a |\n|---|---|\n```\n"),
    ("link-broken", HEAD + "[a](https://b.example 'c d') [e](<f g>) [x] done, [h][i] (see [j](k)) a[0](b)\n\n[i]: https://b.example"),
    ("link-broken", HEAD + "Text[^1][^2] `[a] (https://b.example)` [c](d_(e))\n\n[^1]: a\n[^2]: b"),
    ("word-repeated", HEAD + "He had had it. That that is. Duran Duran, the `x` the, tea tea tea tea. The\n\nthe end"),
    ("word-repeated", HEAD + "It can-can can do, the theme, in <b>in</b>"),
    ("quotes-unbalanced", HEAD + '“One\n\n“Two”\n\n5" wide, `"` and "three" \\" „vier“'),
    ("brackets-unbalanced", HEAD + "a) one (two) b) three :-) [f](https://g.example/h_(i)) (j\nk) `(`\n\n1) l"),
    ("date-weekday", HEAD + "On Tuesday, 24 November, on Monday, 5 May (long ago), Fri 27 Nov 2026, Sat 10 May 2025"),
    ("date-impossible", HEAD + "February 29, May 2026, 30 June, March 31, May 45 people come"),
    ("invisible-character", HEAD + "soft\xadhyphen, 👨‍👩‍👧, `a\u200bb`"),
    ("letters-mixed", HEAD + "Москва and Moscow, α-helix, 5µm"),
    ("sentence-long", HEAD + "Word " * 39 + "end."),
    ("link-shortener", HEAD + "[a](https://bit.ly) [b](https://notbit.ly/c) `https://bit.ly/d`"),
    ("link-personal", HEAD + "[a](https://b.example/?q=fbclid) [c](https://d.example/gclid)"),
    ("link-tracking", HEAD + "[a](https://plain-ai.example/?utm_source=c) [d](https://e.example/utm_source)"),
    ("link-masked", HEAD + "[www.b.example](https://b.example/c) [Node.js](https://nodejs.example) [k8s.io/v1](https://d.example)"),
    ("link-masked", HEAD + "[https://a.co.uk](https://www.a.co.uk) <https://b.example>"),
    ("link-credentials", HEAD + "[a](https://b.example/@me) <mailto:a+b@c.example> [d](https://me@e.example)"),
    ("link-mailto", HEAD + "[a](mailto:b@c.example?subject=d) <e@f.example> [g](mailto:?to=h@i.example)"),
    ("link-spaces", HEAD + "[a](https://b.example 'c') [ ](d) `[e ](f)` [g][h] <a href='i'> j </a>\n\n[h]: k"),
    ("client-css", HEAD + "<div style='color: red; margin: 0'>display: flex</div>"),
    ("client-css-pretty", HEAD + "<span style='color: red'>a</span>"),
    ("client-image", HEAD + "![a](https://b.example/c.png) [d](https://b.example/e.svg) ![f](https://b.example/g?h=.webp)"),
    ("client-anchor", HEAD + "Text[^1] [a](#)\n\n[^1]: b"),
    ("heading-empty", HEAD + "## ![a](https://b.example/c.png)\n\n`##`\n"),
    ("table-header-missing", HEAD + "| a | b |\n|---|---|\n| 1 | 2 |\n\n<table role=none><tr><td>a<tr><td>b</table>"),
    ("contrast-low", HEAD + "<p style='color:#767676'>a</p> <p style='color:#fff;background-color:#000'>b</p>"),
    ("contrast-low", HEAD + "<p style='color:#888; font-size:24px'>a</p> <p style='color:#eee; display:none'>b</p>"),
    ("emoji-run", HEAD + "🎉 one 🎉 two 🎉 three 🎉, 👨‍👩‍👧 👍🏽"),
    ("code-wide", HEAD + "x" * 200 + "\n\n```\n" + "x" * 100 + "\n```"),
    ("image-only", HEAD + "word " * 90 + "![a](https://b.example/c.png)"),
    ("merge-tag-foreign", HEAD + "100% NAME, [firstname](https://a.example), `%FIRSTNAME%` and *a|b*"),
    ("merge-tag-broken", HEAD + "Hello {{ name }}, {names}, `{name}`, {{{name}}}"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "where"), FIRES)
def test_a_fault_is_found_where_it_was_typed(rule: str, text: str, where: list[tuple[int, int | None]]) -> None:
    assert places(inspection_of(text, SECOND), rule) == where


MEASURED = {"unsubscribe_url": "unsubscribe_url", "click_url": "click_url"}


@pytest.mark.parametrize(("rule", "text"), SILENT)
def test_what_only_looks_like_a_fault_is_none(rule: str, text: str) -> None:
    assert found(inspection_of(text, SECOND), rule) == []


def test_a_careful_issue_has_no_findings() -> None:
    text = HEAD + "Hello\n\n## A heading\n\nSee [the next issue](002-what-is-a-token.md).\n"
    inspection = inspection_of(text, SECOND)
    assert [finding for rule in RULES for finding in found(inspection, rule.id)] == []


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("unsubscribe-html", {"html": f'<p>{ADDRESS} <a href="https://a.example/unsubscribe">Unsubscribe</a></p>'}),
        ("unsubscribe-html", {"variables": {"unsubscribe_url": '"{{"'}}),
        ("unsubscribe-text", {"text": f"Unsubscribe: no. {ADDRESS}"}),
        ("unsubscribe-header", {"headers": HEADERS | {"List-Unsubscribe": "{{unsubscribe_url}}"}}),
        ("unsubscribe-header", {"headers": {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}}),
        ("unsubscribe-one-click", {"headers": {"List-Unsubscribe": HEADERS["List-Unsubscribe"]}}),
        ("postal-address-missing", {"text": "Plain AI, Berlin {{unsubscribe_url}}"}),
        ("measuring-unsaid", {"variables": MEASURED, "text": f"{{{{unsubscribe_url}}}}?settings {ADDRESS}"}),
        ("measuring-unsaid", {"variables": MEASURED, "html": f'<a href="{{{{unsubscribe_url}}}}?settings">{ADDRESS}'}),
    ],
)
def test_what_the_law_wants_is_missed_where_it_is_missing(rule: str, changes: dict[str, object]) -> None:
    whole = inspection_of(HEAD + "Text")
    assert found(whole, rule) == []
    assert len(found(replace(whole, edition=replace(whole.edition, **changes)), rule)) == 1


def test_names_of_headers_match_in_any_case() -> None:
    inspection = inspection_of(HEAD + "Text")
    headers = {name.upper(): value for name, value in HEADERS.items()}
    changed = replace(inspection, edition=replace(inspection.edition, headers=headers))
    assert found(changed, "unsubscribe-header") == found(changed, "unsubscribe-one-click") == []


def test_a_publication_without_postal_address_is_told_so_once_and_where_to_set_it() -> None:
    inspection = inspection_of(HEAD + "Text", site=replace(SITE, postal_address=" "))
    (finding,) = found(inspection, "postal-address-missing")
    assert (finding.file, finding.severity) == ("newsletter.toml", Severity.ERROR)


@pytest.mark.parametrize(
    ("size", "rules"),
    [(90 * 1024 - 1, []), (90 * 1024, ["size-near-clipping"]), (102 * 1024, ["size-near-clipping"]),
     (102 * 1024 + 1, ["size-clipped"])],
)  # fmt: skip
def test_the_size_of_the_html_is_held_against_what_gmail_shows(size: int, rules: list[str]) -> None:
    inspection = inspection_of(HEAD + "é")
    filling = "x" * (size - len(inspection.edition.html.encode()))
    edition = replace(inspection.edition, html=inspection.edition.html + filling)
    changed = replace(inspection, edition=edition)
    assert [rule for rule in ("size-near-clipping", "size-clipped") if found(changed, rule)] == rules


def test_what_costs_most_is_named_with_its_line() -> None:
    rows = "".join(f"| row {number} | cell |\n" for number in range(2000))
    text = f"{HEAD}Hi.\n\n## Long\n\n{'Words and words.' * 8}\n\n" + "Some words here.\n\n" * 900
    (finding,) = found(inspection_of(f"{text}## Table\n\n| a | b |\n|---|---|\n{rows}"), "size-clipped")
    line = text.count("\n") + 3
    assert re.search(rf"most of it: a table \(\d+ KB, line {line}\), “Long” \(\d+ KB, line 7\)$", finding.message)
    assert finding.line == line


def test_a_subject_is_held_against_earlier_issues_only() -> None:
    text = "---\nsubject: What  is a TOKEN\n---\nText"
    assert found(inspection_of(text, SECOND, name="001-a.md"), "subject-repeated") == []
    (finding,) = found(inspection_of(text, SECOND, name="003-a.md"), "subject-repeated")
    assert (finding.line, "002-what-is-a-token.md" in finding.message) == (2, True)


def test_a_slug_that_is_taken_names_the_other_file() -> None:
    (finding,) = found(inspection_of("# A", issue_of("# B", "002-a-name.md")), "slug-duplicate")
    assert "issues/002-a-name.md" in finding.message


def test_an_issue_read_under_another_path_is_no_duplicate_of_itself() -> None:
    inspection = inspection_of("---\nsubject: a\nnumber: 1\n---\nText")
    again = replace(inspection.issue, path=inspection.issue.path.absolute())
    changed = replace(inspection, issues=(again,))
    assert [found(changed, rule) for rule in ("slug-duplicate", "number-duplicate", "subject-repeated")] == [[], [], []]


def test_a_relative_link_that_only_the_theme_has_is_found_without_a_line() -> None:
    inspection = inspection_of(HEAD + "Text")
    html = inspection.edition.html.replace("<h1>", '<h1><a href="/archive">All</a><img src="logo.png">')
    changed = replace(inspection, edition=replace(inspection.edition, html=html))
    assert places(changed, "link-relative") == places(changed, "image-relative") == [(None, None)]


def test_a_link_to_an_issue_that_rendering_left_relative_is_found() -> None:
    inspection = inspection_of(HEAD + "[a](002-what-is-a-token.md)", SECOND)
    unresolved = replace(inspection, edition=edition_of(inspection.issue))
    assert places(unresolved, "link-relative") == [(None, None)]


def test_a_name_without_default_in_the_theme_is_found() -> None:
    inspection = inspection_of(HEAD + "Text")
    changed = replace(inspection, edition=replace(inspection.edition, variables={"name": "name"}))
    assert places(changed, "merge-tag-no-default") == [(None, None)]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("/about", "https://plain-ai.example/about"),
        ("../b/c", "https://plain-ai.example/b/c"),
        ("www.c.example", "https://www.c.example"),
        ("c.example/d", "https://c.example/d"),
        ("d.html", "https://plain-ai.example/a-name/d.html"),
    ],
)
def test_the_fix_of_a_relative_link_says_the_whole_address(target: str, meant: str) -> None:
    (finding,) = found(inspection_of(HEAD + f"[a]({target})"), "link-relative")
    assert finding.fix == f"write the whole address: {meant}"


def test_the_publications_language_is_checked_where_the_issue_has_none() -> None:
    (finding,) = found(inspection_of(HEAD + "Text", site=replace(SITE, language="en_US")), "language-unknown")
    assert (finding.file, finding.fix) == ("newsletter.toml", "did you mean en-US?")


def test_a_date_is_held_against_the_day_of_the_check() -> None:
    text = "---\nsubject: a\ndate: 2026-11-24\n---\nText"
    assert places(inspection_of(text, today=date(2026, 11, 25)), "date-past") == [(3, 7)]


def test_what_rendering_noticed_is_passed_on_once() -> None:
    inspection = inspection_of(HEAD + "{{ nmae }}")
    noticed = Finding("merge-tag-unknown", Severity.ERROR, "unknown merge tag {{ nmae }}", "issues/001-a-name.md", 5, 1)
    changed = replace(inspection, edition=replace(inspection.edition, findings=(noticed, noticed)))
    assert found(changed, "merge-tag-unknown") == [noticed]


def test_every_rule_is_seen_to_fire_by_one_of_these_tests() -> None:
    elsewhere = """plugin-failed merge-tag-unknown nesting-too-deep line-too-long table-too-wide
            abbreviations-too-many
        rule-crashed check-unknown-rule subject-repeated
        unsubscribe-html unsubscribe-text unsubscribe-header unsubscribe-one-click postal-address-missing
        measuring-unsaid size-clipped size-near-clipping language-without-words image-file
        silence-unused silence-no-reason
        link-dead link-failing link-certificate link-moved link-private link-unchecked
        approval-stale number-gap date-order slot-taken subject-number link-left-over glossary-unused word-misspelt
        client-html html-language text-part-empty text-part-link-missing line-over-limit style-block-large
        list-id-missing sender-free sender-noreply sender-nameless
        audience-empty audience-jump audience-suppressed audience-fields-empty audience-slow
        audience-daily-limit audience-field-unknown diagram-not-drawn""".split()
    assert {rule.id for rule in RULES} == {*elsewhere, *(case[0] for case in FIRES)}
    assert {case[0] for case in FIRES} == {case[0] for case in SILENT}
