"""What an editor typed is what the issue says."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content.issue import Issue, Status
from newsletter.content.reader import duplicates, parse_issue, read_folder, read_issue
from newsletter.errors import ContentError

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def parse(text: str, name: str = "001-a-name.md") -> Issue:
    return parse_issue(Path("issues") / name, text.encode())


@pytest.mark.parametrize("subject", ["no", "10:30", "#1 tip", "Rust 2.0: a review", "[x] done", "*stars*", "5", "null"])
def test_a_subject_is_the_text_that_was_typed(subject: str) -> None:
    assert parse(f"---\nsubject: {subject}\n---\nText").subject == subject


@pytest.mark.parametrize(
    ("front", "line", "words"),
    [
        ("subject: C # is a language", 2, "as a comment"),
        ("subject: a\nnumber: 5x", 3, "expected a whole number"),
        ("subject: a\nstatus: redy", 3, "redy"),
        ('subject: "open', 2, "not closed"),
        ("subject: a\nsubject: b", 3, "stands twice"),
        ("subject: a\nnonsense", 3, 'expected "key: value"'),
        ("tags: [a", 2, "read '[a'"),
        ("tags: &x [a]", 2, "anchors"),
        ("subject: a\nslug: Not/OK", 3, "cannot stand in an address"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_names_the_line(front: str, line: int, words: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse(f"---\n{front}\n---\nText")
    assert f"issues/001-a-name.md:{line}" in caught.value.message
    assert words in caught.value.message


def test_title_and_subject_stand_in_for_each_other_and_a_heading_for_both() -> None:
    assert parse("---\ntitle: T\n---\nx").subject == "T"
    assert parse("---\nsubject: S\n---\nx").title == "S"
    issue = parse("# Hello *you*\n\ntext")
    assert (issue.subject, issue.title, issue.body.strip()) == ("Hello you", "Hello you", "text")


def test_name_and_number_come_from_the_file() -> None:
    issue = parse("x", "007-what-is-a-token.md")
    assert (issue.slug, issue.number) == ("what-is-a-token", 7)
    dated = parse("x", "2026-11-24-news.md")
    assert (dated.slug, dated.number) == ("2026-11-24-news", None)
    assert parse("x", "2026.md").slug == "2026"


def test_a_key_that_nobody_knows_is_a_warning_with_a_guess() -> None:
    (note,) = parse("---\nsubject: a\nsubjekt: b\n---\nx").notes
    assert (note.place, note.fix) == ("issues/001-a-name.md:3:1", 'did you mean "subject"?')


def test_the_front_matter_of_jekyll_hugo_and_pelican_is_read() -> None:
    jekyll = parse("---\nlayout: post\ntitle: T\ndate: 2026-03-11 22:00:00 -0000\n---\nx")
    assert (jekyll.title, jekyll.date, jekyll.notes) == ("T", datetime(2026, 3, 11, 22), ())
    hugo = parse('+++\ntitle = "T"\ndate = 2026-03-11\ndraft = true\ntags = ["a", "b"]\n+++\nx')
    assert (hugo.title, hugo.date, hugo.status) == ("T", date(2026, 3, 11), Status.DRAFT)
    assert hugo.tags == ("a", "b")
    pelican = parse("Title: T: two\nNumber: 178\nDate: 2017-04-18\nCategory: x\n\nHello")
    assert (pelican.title, pelican.number, pelican.body.strip()) == ("T: two", 178, "Hello")


def test_a_day_that_the_calendar_does_not_have_is_an_error_finding() -> None:
    issue = parse("---\ntitle: T\ndate: 2022-02-29\n---\nx")
    assert (issue.date, [(note.rule, note.line) for note in issue.notes]) == (None, [("front-matter-date", 3)])


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "empty"), (b"\xff\xfea\x00", "UTF-16"), (b"caf\xe9", "UTF-8"), (b"x" * 5_000_000, "too large")],
)
def test_a_file_that_is_no_text_is_refused_with_its_name(data: bytes, words: str) -> None:
    with pytest.raises(ContentError, match=words) as caught:
        parse_issue(Path("issues/a.md"), data)
    assert caught.value.message.startswith("issues/a.md")


def test_one_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    for name, text in {"2-b.md": "# B", "1-a.md": "# A", "broken.md": "", "_draft.md": "", "README.md": ""}.items():
        (tmp_path / name).write_text(text)
    folder = read_folder(tmp_path)
    assert [issue.slug for issue in folder.issues] == ["a", "b"]
    assert [Path(error.path).name for error in folder.broken] == ["broken.md"]


def test_issues_with_the_same_slug_are_found() -> None:
    same = [parse("# A", "1-a.md"), parse("# A", "2-a.md"), parse("# B", "b.md")]
    assert duplicates(same) == {"a": same[:2]}


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"---\n{text}\n---\nx".encode()))
def test_any_bytes_are_an_issue_or_an_error_for_people(data: bytes) -> None:
    try:
        assert parse_issue(Path("issues/a.md"), data).slug
    except ContentError as error:
        assert error.message.startswith("issues/a.md")


@pytest.mark.shared
@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not on this machine")
def test_every_real_newsletter_is_read() -> None:
    files = sorted(path for path in CORPUS.rglob("*.m*") if path.name != "README.md")
    issues = [read_issue(path) for path in files]
    assert len(issues) == 41
    assert all(issue.subject and issue.slug and len(issue.body) > 500 for issue in issues)
