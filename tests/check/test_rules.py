"""Each rule fires where it should, at the right place, and stays silent on what only looks like a fault."""

from __future__ import annotations

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
    ("subject-long", f"---\nauthor: a\nsubject: {'x' * 70}\n---\nText", [(3, 1)]),
    ("subject-limit", f"---\nsubject: {'x ' * 500}y\n---\nText", [(2, 1)]),
    ("subject-shouting", "---\nsubject: READ THIS NOW\n---\nText", [(2, 1)]),
    ("subject-shouting", "---\nsubject: Read this!!\n---\nText", [(2, 1)]),
    ("status-draft", "---\nsubject: a\nstatus: draft\n---\nText", [(3, 1)]),
    ("status-draft", '+++\ntitle = "a"\ndraft = true\n+++\nText', [(3, 1)]),
    ("status-hold", "---\nsubject: a\nstatus: hold\n---\nText", [(3, 1)]),
    ("next-unknown", "---\nsubject: a\nnext: what-is-a-tokn\n---\nText", [(3, 1)]),
    ("next-unknown", "---\nsubject: a\nnext: a-name\n---\nText", [(3, 1)]),
    ("slot-past", "---\nsubject: a\nslot: 2026-11-20\n---\nText", [(3, 1)]),
    ("slot-day", "---\nsubject: a\nslot: 2026-11-25 09:00\n---\nText", [(3, 1)]),
    ("date-past", "---\nsubject: a\ndate: 2026-11-23\n---\nText", [(3, 1)]),
    ("front-matter-date", "---\nsubject: a\ndate: 2026-02-30\n---\nText", [(3, 1)]),
    ("front-matter-unknown-key", "---\nsubject: a\nsubjekt: b\n---\nText", [(3, 1)]),
    ("preheader-missing", "---\nsubject: a\n---\nText", [(1, 1)]),
    ("number-duplicate", "---\nsubject: a\nnumber: 2\n---\nText", [(3, 1)]),
    ("slug-duplicate", "---\nsubject: a\nslug: what-is-a-token\n---\nText", [(3, 1)]),
    ("body-empty", HEAD + "\n<!-- to come -->\n---\n", [(5, 1)]),
    ("code-fence-open", HEAD + "Text\n\n  ```python\ncode\n", [(7, 3)]),
    ("heading-skipped", HEAD + "## A\n\ntext\n\n#### B\n", [(9, 1)]),
    ("heading-skipped", HEAD + "# A\n\n### B\n", [(7, 1)]),
    ("html-removed", HEAD + "Text\n\n<script>x</script>\n", [(7, None)]),
    ("placeholder-text", HEAD + "Text\nAnd TODO: more, see [link] and [x](y) and TBD", [(6, 5), (6, 21), (6, 43)]),
    ("placeholder-text", HEAD + "Dear [name],\n\nInsert link here\n", [(5, 6), (7, 1)]),
    ("placeholder-text", HEAD + "Go to <insert address here> for lorem ipsum", [(5, 7), (5, 33)]),
    ("placeholder-filler", HEAD + "a\nLorem ipsum\ndolor sit amet", [(6, 1)]),
    ("placeholder-subject", "---\nsubject: TODO\ntitle: Fine\npreheader: TBD\n---\nText", [(2, 1), (4, 1)]),
    ("language-unknown", "---\nsubject: a\nlanguage: english\n---\nText", [(3, 1)]),
    ("language-unknown", "---\nsubject: a\nlang: xx\n---\nText", [(3, 1)]),
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
    ("merge-tag-no-default", "---\nsubject: Hello {{ name }}\n---\nText", [(2, 1)]),
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
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "where"), FIRES)
def test_a_fault_is_found_where_it_was_typed(rule: str, text: str, where: list[tuple[int, int | None]]) -> None:
    assert places(inspection_of(text, SECOND), rule) == where


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
    assert places(inspection_of(text, today=date(2026, 11, 25)), "date-past") == [(3, 1)]


def test_what_rendering_noticed_is_passed_on_once() -> None:
    inspection = inspection_of(HEAD + "{{ nmae }}")
    noticed = Finding("merge-tag-unknown", Severity.ERROR, "unknown merge tag {{ nmae }}", "issues/001-a-name.md", 5, 1)
    changed = replace(inspection, edition=replace(inspection.edition, findings=(noticed, noticed)))
    assert found(changed, "merge-tag-unknown") == [noticed]


def test_every_rule_is_seen_to_fire_by_one_of_these_tests() -> None:
    elsewhere = """merge-tag-unknown nesting-too-deep line-too-long rule-crashed check-unknown-rule subject-repeated
        unsubscribe-html unsubscribe-text unsubscribe-header unsubscribe-one-click postal-address-missing size-clipped
        size-near-clipping language-without-words image-file""".split()
    assert {rule.id for rule in RULES} == {*elsewhere, *(case[0] for case in FIRES)}
    assert {case[0] for case in FIRES} == {case[0] for case in SILENT}
