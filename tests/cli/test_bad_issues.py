"""Issues, glossaries and themes that are broken; issues that are not where they are thought to be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import CONSENT, ISSUE, TOML, Call, complains

from newsletter.publication import builtin


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"---\nsubject: [a\n---\nx\n", "002-b.md:2: subject"),
        (b"---\nsubject: a\n", "is not ended by a line ---"),
        ("---\nsubject: Ä\n---\nx\n".encode("latin-1"), "002-b.md:2: the file is not UTF-8"),
        (ISSUE.encode("utf-16"), "UTF-16"),
        (b"", "the file is empty"),
        (b"# x\n\na\0b\n", "002-b.md:3: holds a NUL byte"),
        (b"# x\n\n" + b"word " * 1_100_000, "too large"),
    ],
)
def test_a_file_that_is_no_issue_is_told_and_the_others_are_built(
    call: Call, publication: Path, tmp_path: Path, data: bytes, words: str
) -> None:
    (publication / "issues" / "002-b.md").write_bytes(data)
    _one_is_told_and_the_other_built(call, tmp_path, words)
    complains(call, 1, "approve", "002-b", of=words)
    complains(call, 1, "send", "issues/002-b.md", "--dry-run", of=words)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.symlink_to("nowhere"), "does not exist"),
        (lambda path: path.symlink_to("/etc/passwd"), "leads out of its folder"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (os.mkfifo, "not a regular file"),
    ],
)
def test_what_only_has_the_name_of_an_issue_is_told_and_the_others_are_built(
    call: Call, publication: Path, tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(publication / "issues" / "002-b.md")
    _one_is_told_and_the_other_built(call, tmp_path, words)


def _one_is_told_and_the_other_built(call: Call, tmp_path: Path, words: str) -> None:
    checked = call("check")
    assert (checked.code, checked.err) == (1, "")
    assert "issues/001-first.md: nothing found" in checked.out
    assert words in checked.out
    built = call("build", "-o", tmp_path / "out")
    assert (built.code, len(built.err.splitlines())) == (1, 2)
    assert words in built.err
    assert "1 built, 1 failed" in built.out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["first"]
    machine = call("build", "-o", tmp_path / "out", "--json")
    assert (machine.code, machine.err) == (1, "")
    assert len(machine.data["data"]["unreadable"]) == 1


@pytest.mark.parametrize(
    ("harm", "code", "words"),
    [
        (lambda folder: shutil.rmtree(folder / "issues"), 1, "issues: cannot be read"),
        (lambda folder: (folder / "glossary.toml").write_text("x = [\n"), 1, "glossary.toml:"),
        (lambda folder: (folder / "glossary.toml").mkdir(), 1, "is a folder"),
        (lambda folder: (folder / "newsletter.toml").write_text(f'{TOML}[theme]\nname = "nope"\n'), 3, "no theme"),
    ],
)
def test_what_all_issues_need_is_told_once(
    call: Call, publication: Path, harm: Callable[[Path], object], code: int, words: str
) -> None:
    harm(publication)
    for line in (["check"], ["build"], ["approve", "first"], ["send", "first", "--dry-run"]):
        complains(call, code, *line, of=words)
    assert call("queue", "--json").data["data"]["queue"] == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("email.html", "\n{% if %}", "email.html:2: Expected an expression"),
        ("email.html", "\n{{ nope.x }}", "email.html:2: the template fails: 'nope' is undefined"),
        ("email.html", "", "email.html: the file is empty"),
        ("web.html", "{{ 1 / 0 }}", "web.html:1: the template fails: division by zero"),
        ("web.html", "{% include 'x.html' %}", 'no template "x.html"'),
        ("web.html", "{% include 'web.html' %}", "web.html:1: the templates include or extend each other without end"),
    ],
)
def test_a_template_with_an_error_is_told_once_with_its_line(
    call: Call, publication: Path, name: str, text: str, words: str
) -> None:
    (publication / "issues" / "002-b.md").write_text(ISSUE)
    _theme_of_its_own(publication, name, text)
    checked = call("check")
    assert (checked.code, checked.out.count("error: ")) == (1, 1)
    assert words in checked.out
    complains(call, 1, "approve", "first", of=words)
    assert call("build", "-o", publication / "out").code == 1
    assert not (publication / "out").exists()


def _theme_of_its_own(publication: Path, name: str, text: str) -> None:
    (publication / "newsletter.toml").write_text(f'{TOML}[theme]\nname = "mine"\n')
    shutil.copytree(builtin("templates") / "default", publication / "templates" / "mine")
    (publication / "templates" / "mine" / name).write_text(text)


def test_a_style_sheet_may_be_empty(call: Call, publication: Path) -> None:
    _theme_of_its_own(publication, "web.css", "\n")
    assert call("check").code == 0


def test_a_template_that_an_issue_names_is_looked_for_there(call: Call, publication: Path, tmp_path: Path) -> None:
    (publication / "issues" / "002-b.md").write_text(ISSUE.replace("author: Ada", "template: nope"))
    _one_is_told_and_the_other_built(call, tmp_path, '002-b.md:4: template: there is no theme "nope"')


def test_two_issues_of_one_name_are_built_but_not_approved(call: Call, publication: Path, tmp_path: Path) -> None:
    (publication / "issues" / "002-first.md").write_text(ISSUE)
    assert call("build", "-o", tmp_path / "out").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["first", "first-2"]
    complains(call, 5, "approve", "first", of="is that of issues/002-first.md too")


@pytest.mark.parametrize("word", ["nope", "", ".", "/etc/passwd", "a\0b", "x" * 5000, os.fsdecode(b"\xff")])
def test_an_issue_that_is_not_there_is_told_with_those_that_are(call: Call, word: str) -> None:
    for command in (["check"], ["build"], ["approve"], ["send", "--dry-run"]):
        complains(call, 2, *command, word, of="the last issues are: first")


@pytest.mark.parametrize("word", ["nope.md", "x" * 5000 + ".md", "a\0b.md"])
def test_a_path_that_is_not_there_is_told(call: Call, word: str) -> None:
    for command in (["check"], ["approve"], ["unapprove"], ["queue", "hold"], ["send", "--resume"]):
        complains(call, 1, *command, word)


def test_an_issue_elsewhere_may_be_looked_at_but_not_be_sent(call: Call, publication: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text(ISSUE)
    assert call("check", outside).code == 0
    assert call("build", outside, "-o", tmp_path / "out").code == 0
    complains(call, 2, "approve", outside, of=f"is not in {publication / 'issues'}")
    assert call("queue", "--json").data["data"]["queue"] == []


def test_an_issue_is_found_by_path_from_wherever_one_is(
    call: Call, publication: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for here, word in ((publication, "issues/001-first.md"), (publication / "issues", "001-first.md")):
        monkeypatch.chdir(here)
        assert "1 issue checked" in call("check", word, "first", here=False).out
    monkeypatch.chdir("/")
    for word in ("issues/001-first.md", "001-first.md", str(publication / "issues" / "001-first.md")):
        assert call("check", word).code == 0


def test_the_queue_knows_issues_by_all_their_names(call: Call, publication: Path) -> None:
    (publication / "issues" / "002-second.md").write_text(ISSUE.replace("first", "second"))
    assert [call("approve", word).code for word in ("next", "issues/002-second.md")] == [0, 0]
    for line, slugs in (
        (["move", "issues/002-second.md", "1"], ["second", "first"]),
        (["move", "next", "999"], ["first", "second"]),
        (["move", "second", "1"], ["second", "first"]),
    ):
        queue = call("queue", *line, "--json").data["data"]["queue"]
        assert [entry["slug"] for entry in queue] == slugs
    assert "second  held" in call("queue", "hold", "next").out
    assert call("unapprove", "next").out == '"first" is no longer in the queue\n'
    complains(call, 2, "unapprove", "first", of='"first" is not in the queue')


@pytest.mark.parametrize("place", ["0", "-1"])
def test_a_place_that_there_is_not_is_refused(call: Call, place: str) -> None:
    call("approve", "first")
    complains(call, 2, "queue", "move", "first", place, of="queue move")


def test_a_draft_and_an_issue_that_changed_are_not_sent(call: Call, publication: Path, tmp_path: Path) -> None:
    path = publication / "issues" / "001-first.md"
    (tmp_path / "l.csv").write_text("email\na@x.example\n")
    assert call("subscribers", "import", tmp_path / "l.csv", *CONSENT).code == 0
    assert call("approve", "first").code == 0
    path.write_text(ISSUE + "\nOne more thing.\n")
    complains(call, 5, "send", "first", "--now", "--confirm", "first:1", of="changed since its approval")
    assert "changed since" in call("scheduler", "once", "--now", _next_slot(call)).err
    path.write_text(ISSUE.replace("ready", "draft"))
    complains(call, 5, "approve", "first", of="marked as a draft")
    assert call("status", "--json").data["data"]["broadcasts"] == []


def _next_slot(call: Call) -> str:
    return str(call("status", "--json").data["data"]["next_slot"]["wall_time"])
