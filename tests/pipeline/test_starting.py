"""Beginnings: a new publication works as it stands, and a new issue is dated to a slot that is free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.content.issue import Status
from newsletter.errors import NewsletterError, UsageError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.starting import start_issue, start_publication
from newsletter.publication import find_publication

if TYPE_CHECKING:
    from conftest import Press


def test_a_new_publication_has_a_valid_configuration_and_an_issue(tmp_path: Path) -> None:
    names = start_publication(tmp_path / "my-letter")
    assert {"newsletter.toml", "issues/001-welcome.md"} <= set(names)
    assert all((tmp_path / "my-letter" / name).is_file() for name in names)
    assert find_publication(tmp_path, tmp_path / "my-letter").config.publication.name == "My Letter"


def test_a_folder_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="there is something here already"):
        start_publication(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NewsletterError, match="cannot be written"):
        start_publication(tmp_path / "file" / "publication")


def start(press: Press, title: str) -> tuple[Path, str]:
    path, slot = start_issue(press.desk.publication, press.store, title, press.now)
    return path, slot.wall_time


def test_new_issues_are_numbered_and_dated_to_one_slot_after_the_other(press: Press) -> None:
    found = [start(press, title) for title in ("What is a token?", "It's 10: 30", "#1 tip")]
    assert [path.name for path, _ in found] == ["001-what-is-a-token.md", "002-its-10-30.md", "003-1-tip.md"]
    assert [wall for _, wall in found] == ["2026-11-24T09:00", "2026-11-27T09:00", "2026-12-01T09:00"]
    issues = press.desk.folder.issues
    assert [issue.subject for issue in issues] == ["What is a token?", "It's 10: 30", "#1 tip"]
    assert {issue.status for issue in issues} == {Status.DRAFT}


def test_a_new_issue_comes_after_those_that_wait_for_a_slot(press: Press) -> None:
    press.write("005-one")
    approve(press.desk, press.store, press.issue("one"), press.now)
    path, wall = start(press, "Another")
    assert (path.name, wall) == ("006-another.md", "2026-11-27T09:00")


@pytest.mark.parametrize(("title", "words"), [("?!", "has no words"), ("  ", "has no words"), ("One", "already")])
def test_a_title_that_names_nothing_or_what_exists_is_refused(press: Press, title: str, words: str) -> None:
    press.write("001-one")
    with pytest.raises(UsageError, match=words):
        start(press, title)
    assert [path.name for path in (press.folder / "issues").iterdir()] == ["001-one.md"]
