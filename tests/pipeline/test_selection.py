"""Which issue a word means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.errors import ContentError, UsageError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.selection import select_issue
from newsletter.schedule.queue import approved, hold, move

if TYPE_CHECKING:
    from conftest import Press


def chosen(press: Press, word: str) -> str:
    return select_issue(press.desk, press.store, word).slug


def put_in_queue(press: Press, name: str) -> None:
    approve(press.desk, press.store, press.issue(name), press.now)


def send(press: Press, name: str) -> None:
    put_in_queue(press, name)
    with press.store.reading() as connection:
        entry = next(entry for entry in approved(connection) if entry.slug == name)
    sending = press.sending()
    sending.post(sending.plan_now(entry))


def test_a_slug_and_a_path_mean_the_same_issue(press: Press) -> None:
    path = press.write("001-one")
    assert chosen(press, "one") == chosen(press, str(path)) == chosen(press, "001-one.md") == "one"


def test_an_unknown_word_is_answered_with_the_issues_there_are(press: Press) -> None:
    press.write("001-one")
    with pytest.raises(UsageError, match='there is no issue "two"') as caught:
        chosen(press, "two")
    assert "one" in caught.value.hint


def test_a_broken_issue_is_told_with_its_own_error(press: Press) -> None:
    (press.folder / "issues" / "001-one.md").write_text("---\nsubject: [broken\n---\n")
    for word in ("one", "001-one"):
        with pytest.raises(ContentError, match=r"001-one\.md:2"):
            chosen(press, word)
    with pytest.raises(UsageError, match='no issue "ne"'):
        chosen(press, "ne")


def test_next_is_the_first_in_the_queue_that_is_not_held(press: Press) -> None:
    for name in ("001-one", "002-two", "003-three"):
        press.write(name)
    put_in_queue(press, "two")
    put_in_queue(press, "one")
    assert chosen(press, "next") == "one"
    with press.store.transaction() as connection:
        move(connection, "two", 1)
    assert chosen(press, "next") == "two"
    with press.store.transaction() as connection:
        hold(connection, "two", held=True)
    assert chosen(press, "next") == "one"


def test_without_a_queue_next_is_the_first_ready_one_that_was_not_sent(press: Press) -> None:
    press.write("001-one")
    press.write("002-two", status="draft")
    press.write("003-three")
    send(press, "one")
    assert chosen(press, "next") == "three"
    send(press, "three")
    with pytest.raises(UsageError, match="no issue is left"):
        chosen(press, "next")


def test_last_is_the_one_sent_last(press: Press) -> None:
    press.write("001-one")
    press.write("002-two")
    with pytest.raises(UsageError, match="nothing was sent yet"):
        chosen(press, "last")
    send(press, "two")
    send(press, "one")
    assert chosen(press, "last") == "one"
