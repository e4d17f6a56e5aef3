"""What an author silences, with a reason, is not said; a silence that is not needed is."""

from __future__ import annotations

import pytest
from inspecting import TODAY, found, inspection_of

from newsletter.check.known import Known, Outcome
from newsletter.check.run import check
from newsletter.check.silences import silences_of

HEAD = "---\nsubject: A fine subject\npreheader: In a sentence\n---\n"  # the body starts on line 5
LINK = "[a](http://b.example)"


def rules_and_lines(text: str, **changes: object) -> list[tuple[str, int | None]]:
    return [(finding.rule, finding.line) for finding in check(inspection_of(text, **changes))]


@pytest.mark.parametrize(
    "body",
    [
        f"{LINK} <!-- check off link-insecure: no https there -->",
        f"<!-- check off link-insecure: no https there -->\n\n{LINK}",
        f"<!-- check off link-insecure:\nno https there -->\n{LINK}",
        f"- a\n- <!-- check off link-insecure: no https there --> {LINK}",
        f"> <!-- check off link-insecure: no https there -->\n> {LINK}",
        "<!--check off link-text-vague,link-insecure:no https there-->\n[here](http://b.example)",
    ],
)
def test_a_comment_silences_its_line_or_the_next(body: str) -> None:
    assert rules_and_lines(HEAD + body) == []


def test_a_comment_silences_no_other_line_and_no_other_rule() -> None:
    body = f"<!-- check off link-insecure: a reason -->\n{LINK} [here](https://b.example)\n\n{LINK}"
    assert rules_and_lines(HEAD + body) == [("link-text-vague", 6), ("link-insecure", 8)]


def test_front_matter_silences_the_whole_issue() -> None:
    text = f"---\nsubject: a\npreheader: b\nchecks:\n  link-insecure: no https there\n---\n{LINK}\n\n{LINK}"
    assert rules_and_lines(text) == []


def test_a_silence_that_is_not_needed_is_found_where_it_stands() -> None:
    text = "---\nsubject: a\npreheader: b\nchecks:\n  link-insecure: a reason\n---\na <!-- check off link-local: b -->"
    findings = check(inspection_of(text))
    assert [(each.rule, each.line, each.column) for each in findings] == [
        ("silence-unused", 5, 18), ("silence-unused", 7, 3),
    ]  # fmt: skip


def test_a_misspelt_silence_is_found_with_a_guess() -> None:
    (finding,) = found(inspection_of(HEAD + f"{LINK} <!-- check off link-insecur: a -->"), "silence-unused")
    assert finding.fix == 'did you mean "link-insecure"?'


@pytest.mark.parametrize("reason", ["", ":", ":  "])
def test_a_silence_without_reason_holds_and_is_found(reason: str) -> None:
    assert rules_and_lines(HEAD + f"{LINK} <!-- check off link-insecure{reason} -->") == [("silence-no-reason", 5)]


def test_a_list_of_rules_in_front_matter_has_no_reasons() -> None:
    text = f"---\nsubject: a\npreheader: b\nchecks: [link-insecure]\n---\n{LINK}"
    assert rules_and_lines(text) == [("silence-no-reason", 4)]


def test_a_silence_of_what_was_not_looked_at_is_not_called_unused() -> None:
    text = HEAD + "[a](https://b.example) <!-- check off link-dead: they move house -->"
    assert rules_and_lines(text) == []
    fine = Known(outcomes={"https://b.example": Outcome("fine")})
    assert rules_and_lines(text, known=fine) == [("silence-unused", 5)]


def test_a_silence_shown_in_code_is_none() -> None:
    body = "`<!-- check off link-local: b -->`\n\n```\n<!-- check off link-local: b -->\n```"
    assert silences_of(inspection_of(HEAD + body, today=TODAY)) == ()
