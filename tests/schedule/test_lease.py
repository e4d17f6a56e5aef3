"""One scheduler works, the others stand by; and where both believe to work, a slot still opens once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from calendars import NotingSender, put_into_queue
from sqlalchemy import func, select

from newsletter.config import ScheduleConfig
from newsletter.schedule.lease import LEASE, Scheduler, beat, held, release, take
from newsletter.schedule.passes import Passes, rules_of
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts, heartbeats, leases, slots

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def scheduler(owner: str, *gone: str) -> Scheduler:
    return Scheduler(owner, f"host of {owner}", NOW, lambda other: other in gone)


A, B = scheduler("a"), scheduler("b")


def taken(store: Store, who: Scheduler, now: datetime) -> str:
    with store.transaction() as connection:
        return take(connection, who, now)


def test_the_first_one_has_it_until_it_gives_no_more_sign_of_life(store: Store) -> None:
    assert taken(store, A, NOW) == ""
    assert taken(store, B, NOW + SECOND) == "a"
    assert taken(store, A, NOW + 2 * SECOND) == ""
    assert taken(store, B, NOW + LEASE + SECOND) == "a"
    assert taken(store, B, NOW + LEASE + 3 * SECOND) == ""
    assert taken(store, A, NOW + LEASE + 4 * SECOND) == "b"


def test_who_ends_gives_it_back_and_who_is_known_to_be_dead_loses_it(store: Store) -> None:
    taken(store, A, NOW)
    with store.transaction() as connection:
        release(connection, B)
    assert taken(store, B, NOW) == "a"
    assert taken(store, scheduler("c", "a"), NOW) == ""
    with store.transaction() as connection:
        release(connection, scheduler("c"))
    assert taken(store, B, NOW) == ""


def test_a_lease_from_a_clock_that_was_far_ahead_holds_nobody_up(store: Store) -> None:
    assert taken(store, A, NOW + timedelta(days=30)) == ""
    assert taken(store, B, NOW) == ""


def test_a_sign_of_life_tells_when_and_what_and_the_old_ones_are_cleared_away(store: Store) -> None:
    with store.transaction() as connection:
        beat(connection, A, NOW, "waiting")
        beat(connection, A, NOW + SECOND)
        beat(connection, B, NOW + timedelta(days=6))
        assert connection.execute(select(heartbeats.c.owner, heartbeats.c.seen_at, heartbeats.c.line)).all() == [
            ("a", NOW + SECOND, "waiting"),
            ("b", NOW + timedelta(days=6), ""),
        ]
        beat(connection, B, NOW + timedelta(days=8))
        assert connection.execute(select(heartbeats.c.owner)).scalars().all() == ["b"]


def test_it_is_held_for_the_time_of_a_pass_and_the_other_one_is_named(store: Store) -> None:
    with held(store, A, lambda: NOW) as mine, held(store, B, lambda: NOW) as other:
        assert (mine, other) == ("", "a")
    with store.reading() as connection:
        assert connection.execute(select(leases.c.owner)).scalar() == "a"  # between two passes as well


def test_there_is_one_lease_whatever_happens(store: Store) -> None:
    for who in (A, B, A):
        taken(store, who, NOW)
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(leases)).scalar() == 1


@pytest.mark.parametrize("run", range(3))
def test_two_schedulers_that_both_believe_to_work_open_a_slot_once(store: Store, run: int) -> None:
    """Without any lease: the slot's keys alone, on SQLite and on PostgreSQL."""
    schedule = ScheduleConfig.model_validate({"timezone": "Europe/Berlin"})
    with store.transaction() as connection:
        for name in "abc":
            put_into_queue(connection, name, NOW)
    together, opened, sent = Barrier(2), list[str](), list[tuple[str, datetime]]()

    def look() -> None:
        sender = NotingSender(store, lambda: NOW, sent)
        sender.unfinished = lambda connection: []  # type: ignore[method-assign]  # the other one is at it
        passes = Passes(store, schedule, rules_of(schedule), sender, lambda: NOW)
        together.wait()
        opened.extend(opening.slug for opening in passes.run().openings)

    threads = [Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (opened, sent) == (["a"], [("a", NOW)])
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(slots)).scalar() == 1
        assert connection.execute(select(func.count()).select_from(broadcasts)).scalar() == 1
