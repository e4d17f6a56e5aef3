"""Trials of links: what is remembered is not tried again, and what was not tried is said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.check.known import Outcome
from newsletter.check.live.guard import Guard, NotReachedError
from newsletter.check.live.trial import Memory
from newsletter.pipeline.weblinks import FILE_NAME, Trial, try_links

if TYPE_CHECKING:
    from conftest import Press

A, B = "http://a.test/", "http://b.test/"


class Nowhere:
    """A resolver that knows one name only, and is asked; nothing is ever connected to."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host == "a.test":
            return ["10.0.0.1"]
        raise NotReachedError("gone", f'there is no host "{host}"')


def test_what_is_remembered_is_not_tried_again(press: Press) -> None:
    names, publication = Nowhere(), press.desk.publication
    first = try_links(publication, [A, B, A], press.now, guard=Guard(resolve=names))
    assert (first.outcomes[A].state, first.outcomes[B].state, first.remembered) == ("private", "gone", 0)
    names.asked.clear()
    again = try_links(publication, [B], press.now + timedelta(minutes=30), guard=Guard(resolve=names))
    assert (again.outcomes[B].state, again.remembered, again.age) == ("gone", 1, timedelta(minutes=30))
    assert names.asked == []
    later = try_links(publication, [B], press.now + timedelta(minutes=90), guard=Guard(resolve=names))
    assert (later.remembered, "b.test" in names.asked) == (0, True)


def test_offline_nothing_is_tried_but_what_is_remembered_is_said(press: Press) -> None:
    memory = Memory(press.folder / ".newsletter" / FILE_NAME, timedelta(days=1))
    memory.write({A: (Outcome("fine", "answer 200"), press.now - timedelta(hours=2))})
    names, told = Nowhere(), list[int]()
    trial = try_links(
        press.desk.publication, [A, B], press.now, offline=True, guard=Guard(resolve=names), notice=told.append
    )
    assert {url: outcome.state for url, outcome in trial.outcomes.items()} == {A: "fine", B: "unchecked"}
    assert (names.asked, told) == ([], [])
    assert str(trial) == "2 links: 1 fine, 1 not checked (1 of them tried earlier, up to 2 h ago)"
    assert trial.as_json() == {"fine": 1, "unchecked": 1, "remembered": 1, "age_seconds": 7200}


def test_a_trial_is_told_in_a_line() -> None:
    states = ("fine", "moved", "gone", "failing", "insecure", "refused", "private")
    trial = Trial({state: Outcome(state) for state in states}, 1)
    assert str(trial) == (
        "7 links: 1 fine, 1 moved, 1 dead, 1 failing, 1 insecure, 2 not checked "
        "(1 of them tried earlier, up to a moment ago)"
    )
    assert str(Trial({"a": Outcome("fine")})) == "1 link: 1 fine"
