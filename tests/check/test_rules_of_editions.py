"""Rules that look at the edition, at other issues, at what others found out: each fires, and has a near miss."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from inspecting import ADDRESS, HEADERS, KNOWN, SITE, edition_of, found, inspection_of, issue_of, places

from newsletter.check.caniemail import FILE, SHARES, read_support, reduce
from newsletter.check.colours import contrast, parse
from newsletter.check.inspection import Inspection
from newsletter.check.known import Approval, Known, Readership
from newsletter.content.glossary import Term
from newsletter.errors import ConfigError

HEAD = "---\nsubject: A fine subject\npreheader: In a sentence\n---\n"  # the body starts on line 5


def with_edition(source: str, /, **changes: Any) -> Inspection:
    inspection = inspection_of(source)
    return replace(inspection, edition=replace(inspection.edition, **changes))


def after(text: str, *earlier: str, name: str = "009-a-name.md") -> Inspection:
    """The issue `text`, last of all, behind the issues `earlier`."""
    others = [issue_of(each, f"{number:03d}-earlier.md") for number, each in enumerate(earlier, start=1)]
    return inspection_of(text, *others, name=name)


# earlier issues


@pytest.mark.parametrize(("number", "where"), [(2, []), (1, []), (3, [(3, 9)]), (7, [(3, 9)])])
def test_a_number_follows_the_one_before(number: int, where: list[tuple[int, int]]) -> None:
    inspection = after(f"---\nsubject: a\nnumber: {number}\n---\nText", "---\nsubject: b\nnumber: 1\n---\nText")
    assert places(inspection, "number-gap") == where


def test_a_number_is_mended_with_the_next() -> None:
    (finding,) = found(after("---\nsubject: a\nnumber: 7\n---\nText", "# b"), "number-gap")
    assert (finding.message, finding.fix) == ("number 7 follows 1", "number: 2")


@pytest.mark.parametrize(("day", "where"), [("2026-12-01", []), ("2026-12-04", []), ("2026-11-27", [(3, 7)])])
def test_a_date_is_not_before_that_of_the_issue_before(day: str, where: list[tuple[int, int]]) -> None:
    inspection = after(f"---\nsubject: a\ndate: {day}\n---\nText", "---\nsubject: b\ndate: 2026-12-01\n---\nText")
    assert places(inspection, "date-order") == where


def test_an_issue_without_number_comes_last_whatever_its_date() -> None:
    text = "---\nsubject: a\ndate: 2026-11-27\n---\nText"
    inspection = after(text, "---\nsubject: b\ndate: 2026-12-01\n---\nText", name="a-name.md")
    assert found(inspection, "date-order") == []


@pytest.mark.parametrize(("slot", "where"), [("2026-12-04", [(3, 7)]), ("2026-12-01", [])])
def test_two_issues_cannot_have_one_slot(slot: str, where: list[tuple[int, int]]) -> None:
    inspection = after(
        f"---\nsubject: a\nslot: {slot}\n---\nText", "---\nsubject: b\nslot: 2026-12-04 09:00\n---\nText"
    )
    assert places(inspection, "slot-taken") == where


@pytest.mark.parametrize(
    ("subject", "number", "where"),
    [
        ("Weekly 13", 9, []),
        ("Weekly 11", 9, [(2, 10)]),
        ("Weekly 12", 9, []),  # the same subject is another rule's
        ("Weekly 11", 11, []),  # and a number that its key has, too
        ("Monthly 11", 9, []),
        ("Weekly", 9, []),
    ],
)
def test_the_number_in_a_subject_follows(subject: str, number: int, where: list[tuple[int, int]]) -> None:
    inspection = after(f"---\nsubject: {subject}\nnumber: {number}\n---\nText", "---\nsubject: Weekly 12\n---\nText")
    assert places(inspection, "subject-number") == where


LAST = """---
subject: The last one
slug: the-last-one
number: 8
date: 2026-11-20
---
[a](https://poll.example/the-last-one) [b](https://poll.example/?d=20261120) [c](https://poll.example/issue-8)
[d](https://poll.example/about) [e](https://plain-ai.example/the-last-one/)
"""


@pytest.mark.parametrize(
    ("link", "fires"),
    [
        ("https://poll.example/the-last-one", True),
        ("https://poll.example/?d=20261120", True),
        ("https://poll.example/issue-8", True),
        ("https://poll.example/issue-9", False),
        ("https://poll.example/about", False),
        ("https://plain-ai.example/the-last-one/", False),
    ],
)
def test_a_link_that_belongs_to_the_last_issue_is_found(link: str, fires: bool) -> None:
    inspection = after(f"{HEAD}See [this]({link})", LAST)
    assert places(inspection, "link-left-over") == ([(5, 12)] if fires else [])


def test_a_term_that_no_issue_uses_is_said_with_the_last_issue() -> None:
    terms = {"token": Term("token", "a"), "Byte pair": Term("byte  pair", "b"), "llm": Term("large model", "c")}
    site = replace(SITE, glossary=MappingProxyType(terms))
    last = replace(after(HEAD + "A byte\npair", "# One\n\nTokens"), site=site)
    assert [finding.message for finding in found(last, "glossary-unused")] == ['no issue uses the term "large model"']
    first = replace(last, issue=last.issues[0])
    assert found(first, "glossary-unused") == []


def test_a_source_that_changed_after_approval_is_an_error() -> None:
    inspection = inspection_of(HEAD + "Text")
    digest = inspection.issue.source_digest
    told = replace(inspection, known=Known(approval=Approval("3f2a" + "0" * 60)))
    (finding,) = found(told, "approval-stale")
    assert finding.message == f"approved 3f2a…, now {digest[:4]}…: approve again"
    assert (finding.severity, finding.line, finding.column) == ("error", 1, 1)
    assert found(replace(inspection, known=Known(approval=Approval(digest))), "approval-stale") == []


# the edition


def test_a_theme_says_its_language() -> None:
    inspection = with_edition(HEAD + "Text", html="<html><body><p>Text</p></body></html>")
    assert places(inspection, "html-language") == [(None, None)]
    assert found(with_edition(HEAD + "Text", html="<body><div lang='de'>Text</div></body>"), "html-language") == []


def test_a_theme_with_elements_that_many_do_not_see_is_found() -> None:
    html = "<html lang=en><body><video src='a.mp4'></video><form><input type=text></form><p>b</p></body></html>"
    found_in_theme = found(with_edition(HEAD + "Text", html=html), "client-html")
    assert [finding.message.split(":")[0] for finding in found_in_theme] == [
        "<form> element", '<input type="text"> element', "<video> element",
    ]  # fmt: skip
    assert found(with_edition(HEAD + "Text", html="<html lang=en><body><p>b</p></body></html>"), "client-html") == []


@pytest.mark.parametrize(("words", "fires"), [(9, True), (10, False)])
def test_the_text_part_says_what_the_html_says(words: int, fires: bool) -> None:
    inspection = with_edition(HEAD + "word " * 30, text="word " * words)
    assert bool(found(inspection, "text-part-empty")) is fires


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("nothing", [(5, 5)]),
        ("b <https://b.example/c d>", []),
        ("b.example/c%20d", []),
        ("https://b.exa\nmple/c%20d", []),
    ],
)
def test_the_text_part_has_every_link(text: str, where: list[tuple[int, int]]) -> None:
    inspection = with_edition(HEAD + "[b](https://b.example/c%20d) ![e](https://f.example/g.png)", text=text)
    assert places(inspection, "text-part-link-missing") == where


@pytest.mark.parametrize(("size", "fires"), [(998, False), (999, True)])
def test_a_line_holds_what_email_allows(size: int, fires: bool) -> None:
    line = "Some words " + "é" * ((size - 11) // 2) + "x" * ((size - 11) % 2)
    for part in ({"text": line}, {"html": f"<html lang='en'>\n{line}\n</html>"}):
        assert places(with_edition(HEAD + "a\nSome words here", **part), "line-over-limit") == (
            [(None, None)] if fires else []
        )


def test_a_line_over_the_limit_is_found_where_it_was_typed() -> None:
    body = "Fine\n\nOne two three four five six seven eight " + "y" * 999
    inspection = with_edition(HEAD + body, text=body, html="<html lang='en'></html>")
    assert places(inspection, "line-over-limit") == [(7, 1)]


@pytest.mark.parametrize(("size", "fires"), [(16 * 1024, False), (16 * 1024 + 1, True)])
def test_styles_in_the_head_are_held_against_what_gmail_keeps(size: int, fires: bool) -> None:
    style = f"<style>{'a' * (size - 10)}</style><style>{'b' * 10}</style>"
    inspection = with_edition(HEAD + "a", html=f"<html lang='en'><head>{style}</head><body>b</body></html>")
    assert bool(found(inspection, "style-block-large")) is fires


def test_a_list_has_an_id() -> None:
    assert found(inspection_of(HEAD + "a"), "list-id-missing") == []
    for headers in ({}, {"List-Id": "Plain AI"}):
        assert len(found(with_edition(HEAD + "a", headers=headers), "list-id-missing")) == 1
    assert found(with_edition(HEAD + "a", headers={"LIST-ID": HEADERS["List-Id"]}), "list-id-missing") == []


@pytest.mark.parametrize(
    ("rule", "sender", "reply_to", "fires"),
    [
        ("sender-free", "Me <me@gmail.com>", "", True),
        ("sender-free", "Me <me@mail.gmail.com.example>", "", False),
        ("sender-free", "Me <me@plain-ai.example>", "me@gmail.com", False),
        ("sender-noreply", "Me <no-reply@a.example>", "", True),
        ("sender-noreply", "Me <hello@a.example>", "noreply@a.example", True),
        ("sender-noreply", "Me <noreply@a.example>", "hello@a.example", False),
        ("sender-noreply", "Me <norman@a.example>", "", False),
        ("sender-nameless", "hello@a.example", "", True),
        ("sender-nameless", "<hello@a.example>", "", True),
        ("sender-nameless", "A <hello@a.example>", "", False),
    ],
)
def test_the_sender_is_somebody(rule: str, sender: str, reply_to: str, fires: bool) -> None:
    findings = found(with_edition(HEAD + "a", sender=sender, reply_to=reply_to), rule)
    assert [finding.file for finding in findings] == (["newsletter.toml"] if fires else [])


# who would get it


@pytest.mark.parametrize(
    ("rule", "told", "fires"),
    [
        ("audience-empty", Readership(0, 5), True),
        ("audience-empty", Readership(0, 0, "vip"), True),
        ("audience-empty", Readership(0, 0), False),  # nobody was imported yet: `status` says so
        ("audience-empty", Readership(1, 5), False),
        ("audience-jump", Readership(121, 0, before=100), True),
        ("audience-jump", Readership(79, 0, before=100), True),
        ("audience-jump", Readership(120, 0, before=100), False),
        ("audience-jump", Readership(80, 0, before=100), False),
        ("audience-jump", Readership(80, 0), False),
        ("audience-suppressed", Readership(89, 11, harmed=11), True),
        ("audience-suppressed", Readership(90, 50, harmed=10), False),
        ("audience-fields-empty", Readership(90, 10, empty={"name": 3}), True),
        ("audience-fields-empty", Readership(90, 10, empty={"name": 0}), False),
        ("audience-field-unknown", Readership(90, 10, unknown={"name": "no reader has"}), True),
        ("audience-field-unknown", Readership(90, 10, unknown={}), False),
        ("audience-daily-limit", Readership(90, 0, daily=89), True),
        ("audience-daily-limit", Readership(90, 0, daily=90), False),
        ("audience-daily-limit", Readership(90, 0), False),
        ("audience-slow", Readership(90, 0, needed=timedelta(hours=73), room=timedelta(hours=72)), True),
        ("audience-slow", Readership(90, 0, needed=timedelta(hours=72), room=timedelta(hours=72)), False),
    ],
)
def test_who_would_get_it_is_looked_at(rule: str, told: Readership, fires: bool) -> None:
    text = "---\nsubject: a\nsegment: vip\nslot: 2026-11-27\n---\nHello {{ name }}"
    where = {"audience-fields-empty": (6, 7), "audience-field-unknown": (6, 7), "audience-slow": (4, 7)}.get(
        rule, (3, 10)
    )
    assert places(inspection_of(text, known=Known(readership=told)), rule) == ([where] if fires else [])


# words


def test_words_that_the_dictionary_does_not_know_are_found_where_they_stand() -> None:
    asked: list[str] = []

    def misspelt(text: str) -> dict[str, str]:
        asked.append(text)
        return {"wrods": "words", "Xyzzy": ""}

    inspection = inspection_of(HEAD + "Some `wrods` and\nwrods, Xyzzy", known=Known(misspelt=misspelt))
    findings = found(inspection, "word-misspelt")
    assert [(each.line, each.column, each.fix) for each in findings] == [
        (6, 1, 'did you mean "words"?'), (6, 8, "correct it, or add it to the list of words"),
    ]  # fmt: skip
    assert "wrods" not in asked[0].split("\n")[0]


# mail programs


def test_the_shares_of_programs_can_be_set() -> None:
    text = HEAD + "<div style='display: flex'>a</div>"
    outlook = Known(support=read_support({"outlook-windows": 1, "apple-mail-ios": 30}))
    assert found(inspection_of(text, known=outlook), "client-css") == []
    outlook = Known(support=read_support({"outlook-windows": 2, "apple-mail-ios": 30}))
    (finding,) = found(inspection_of(text, known=outlook), "client-css")
    assert finding.message == "display:flex: not in Outlook (windows), 6% of readers (2025-09-09)"


def test_a_program_that_nobody_knows_is_refused_with_a_guess() -> None:
    with pytest.raises(ConfigError, match="outlook-window") as caught:
        read_support({"outlook-window": 5})
    assert caught.value.hint == 'did you mean "outlook-windows"?'


def test_the_guess_of_shares_is_about_all_readers() -> None:
    assert sum(SHARES.values()) == 100
    assert read_support({}).shares.keys() == SHARES.keys()


def test_the_newest_answer_for_each_program_is_kept() -> None:
    stats = {"gmail": {"ios": {"2019": "n", "2020": "a #1"}}, "outlook": {"windows": {"2019": "y"}, "macos": {}}}
    rows = [{"slug": "css-a", "title": "a", "stats": stats}, {"slug": "css-b", "title": "b", "stats": {}}]
    made = reduce({"last_update_date": "2025-09-09 18:08:06 +0000", "data": rows})
    assert made == {
        "date": "2025-09-09",
        "clients": ["gmail-ios", "outlook-windows"],
        "features": {"css-a": ["a", "ay"], "css-b": ["b", "uu"]},
    }


def test_the_licence_of_the_data_lies_beside_it() -> None:
    notice = (Path(FILE).parent / "NOTICE.md").read_text(encoding="utf-8")
    assert KNOWN.support is not None
    assert "MIT License" in notice
    assert KNOWN.support.date in notice


@pytest.mark.parametrize(
    ("value", "colour"),
    [("#fff", (255, 255, 255)), (" #1A2b3C !important", (26, 43, 60)), ("rgb(1, 2,3)", (1, 2, 3)),
     ("Gray", (128, 128, 128)), ("rgba(0,0,0,.5)", None), ("inherit", None), ("url(a) #000", (0, 0, 0)), ("", None)],
)  # fmt: skip
def test_colours_are_read_as_css_means_them(value: str, colour: tuple[int, int, int] | None) -> None:
    assert parse(value) == colour


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == contrast((255, 255, 255), (0, 0, 0)) == 21
    assert round(contrast((118, 118, 118), (255, 255, 255)), 2) == 4.54  # the lightest grey that passes on white


def test_the_stand_in_for_rendering_has_all_that_the_law_wants() -> None:
    inspection = inspection_of(HEAD + "Text")
    assert ADDRESS.split(",")[0] in inspection.edition.html
    assert inspection.edition == edition_of(inspection.issue)
