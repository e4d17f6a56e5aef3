"""The queue: its order, its pins, and what may not go out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from calendars import put_into_queue
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from newsletter.delivery.planning import create_broadcast
from newsletter.errors import SafetyError, UsageError
from newsletter.schedule.queue import Approved, approved, hold, in_turn, move, obstacle, read_edition, remove
from newsletter.schedule.slots import slot_at
from newsletter.store.database import Store
from newsletter.store.tables import editions

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TUESDAY = slot_at(datetime(2026, 11, 24, 9), "Europe/Berlin")
ENTRY = Approved("one", "d", "s", 1, False, "", "", "", NOW, "test")


def fill(store: Store, *names: str) -> None:
    with store.transaction() as connection:
        for name in names:
            put_into_queue(connection, name, NOW)


def order(store: Store) -> list[str]:
    with store.reading() as connection:
        return [entry.slug for entry in approved(connection)]


def test_issues_wait_in_the_order_of_their_approval(store: Store) -> None:
    fill(store, "b", "a", "c")
    assert order(store) == ["b", "a", "c"]
    fill(store, "a")
    assert order(store) == ["b", "a", "c"]


def test_what_was_approved_is_read_back_and_stays_after_the_issue_left_the_queue(store: Store) -> None:
    fill(store, "a", "a")
    with store.transaction() as connection:
        assert remove(connection, "a")
        assert not remove(connection, "a")
        assert read_edition(connection, "digest of a")["slug"] == "a"
        assert connection.execute(select(func.count()).select_from(editions)).scalar() == 1


@pytest.mark.parametrize(("to", "expected"), [(1, "cab"), (2, "acb"), (3, "abc"), (99, "abc"), (0, "cab"), (-5, "cab")])
def test_an_issue_is_moved_to_a_place_and_the_others_make_room(store: Store, to: int, expected: str) -> None:
    fill(store, *"abc")
    with store.transaction() as connection:
        move(connection, "c", to)
    assert order(store) == list(expected)


def test_who_is_approved_after_a_move_still_comes_last(store: Store) -> None:
    fill(store, *"abc")
    with store.transaction() as connection:
        move(connection, "c", 1)
        remove(connection, "a")
    fill(store, "d")
    assert order(store) == ["c", "b", "d"]


@pytest.mark.parametrize("change", [lambda c: hold(c, "x", held=True), lambda c: move(c, "x", 1)])
def test_what_is_not_in_the_queue_cannot_be_held_or_moved(store: Store, change: object) -> None:
    fill(store, "a")
    with store.transaction() as connection, pytest.raises(UsageError, match='"x" is not in the queue'):
        change(connection)  # type: ignore[operator]


def test_an_issue_with_a_broadcast_is_not_queued_again(store: Store) -> None:
    fill(store, "a")
    with store.transaction() as connection:
        create_broadcast(connection, slug="a", digest="digest of a", segment="", provider="p", now=NOW, slot=None)
        remove(connection, "a")
        with pytest.raises(SafetyError, match="has its broadcast already"):
            put_into_queue(connection, "a", NOW)
    assert order(store) == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (ENTRY, ""),
        (replace(ENTRY, held=True), "it is held"),
        (replace(ENTRY, pinned_to="2026-11-24"), ""),
        (replace(ENTRY, pinned_to="2026-11-24T09:00"), ""),
        (replace(ENTRY, pinned_to="2026-11-24T10:00"), "it is pinned to 2026-11-24T10:00"),
        (replace(ENTRY, pinned_to="2026-11-27"), "it is pinned to 2026-11-27"),
        (replace(ENTRY, not_before="2026-11-24"), ""),
        (replace(ENTRY, not_before="2026-01-01"), ""),
        (replace(ENTRY, not_before="2026-11-25"), "its date is Wednesday 2026-11-25"),
        (replace(ENTRY, held=True, pinned_to="2026-11-24"), "it is held"),
    ],
)
def test_why_an_issue_may_not_go_out_is_said(entry: Approved, words: str) -> None:
    assert obstacle(entry, TUESDAY) == words


Entries = st.lists(
    st.builds(
        replace,
        st.just(ENTRY),
        position=st.integers(1, 99),
        held=st.booleans(),
        pinned_to=st.sampled_from(["", "", "2026-11-24", "2026-11-24T09:00", "2026-11-27"]),
        not_before=st.sampled_from(["", "2026-11-24", "2026-11-25"]),
    ),
    unique_by=lambda entry: entry.position,
    max_size=12,
)


@given(Entries)
def test_the_pinned_go_first_then_each_in_its_place(entries: list[Approved]) -> None:
    turns = in_turn(entries, TUESDAY)
    assert {entry.position for entry in turns} == {e.position for e in entries if not obstacle(e, TUESDAY)}
    pinned = [entry for entry in turns if entry.pinned_to]
    assert turns[: len(pinned)] == pinned
    rest = turns[len(pinned) :]
    dated = [entry for entry in rest if entry.not_before == "2026-11-24"]
    assert rest[: len(dated)] == dated
    for group in (pinned, dated, rest[len(dated) :]):
        assert [entry.position for entry in group] == sorted(entry.position for entry in group)


def test_an_issue_takes_its_place_by_number_then_date_and_those_without_come_last(store: Store) -> None:
    with store.transaction() as connection:
        for name, number, day in [("x", None, ""), ("c", 3, ""), ("a", 1, ""), ("y", None, "2026-12-01"), ("b", 2, "")]:
            put_into_queue(connection, name, NOW, not_before=day, number=number)
    assert order(store) == ["a", "b", "c", "y", "x"]


def test_what_a_person_moved_keeps_its_place_before_newcomers_and_dates(store: Store) -> None:
    with store.transaction() as connection:
        for number in (2, 3, 4):
            put_into_queue(connection, f"n{number}", NOW, number=number)
        move(connection, "n4", 1)
        put_into_queue(connection, "n1", NOW, number=1)
        put_into_queue(connection, "dated", NOW, number=9, not_before="2026-11-24")
        assert [issue.slug for issue in in_turn(approved(connection), TUESDAY)] == ["n4", "dated", "n1", "n2", "n3"]
        move(connection, "n2", 5)
        assert [issue.slug for issue in in_turn(approved(connection), TUESDAY)] == ["n4", "dated", "n1", "n3", "n2"]


def test_an_issue_approved_after_the_deadline_waits_for_the_next_slot() -> None:
    two = timedelta(hours=2)
    in_time = replace(ENTRY, approved_at=TUESDAY.starts_at - two)
    late = replace(ENTRY, approved_at=TUESDAY.starts_at - two + timedelta(seconds=1))
    assert obstacle(in_time, TUESDAY, two) == ""
    assert obstacle(late, TUESDAY, two) == (
        "it was approved at 2026-11-24 07:00, after [schedule] approve_by (2026-11-24 07:00)"
    )
    assert obstacle(late, TUESDAY) == ""
