"""One pass: what it says, whom it passes over, and what it leaves to the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from calendars import World
from sqlalchemy import select

from newsletter.errors import ProviderError, SafetyError
from newsletter.schedule.explain import explain_day
from newsletter.schedule.queue import approved, hold, move
from newsletter.store.tables import slots

NINE = datetime(2026, 11, 24, 8, tzinfo=UTC)  # Tuesday, 09:00 in Berlin
FRIDAY, NEXT_TUESDAY = NINE + timedelta(days=3), NINE + timedelta(days=7)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    here = World(tmp_path / "state", NINE - timedelta(days=1))
    yield here
    here.close()


def waiting(world: World) -> list[str]:
    with world.store.reading() as connection:
        return [entry.slug for entry in approved(connection)]


def test_a_pass_says_what_goes_out_what_became_of_it_and_what_comes_next(world: World) -> None:
    world.approve("a", "b")
    said: list[str] = []
    world.passes.say = said.append
    report = world.look(NINE)
    assert report.lines == tuple(said)
    assert report.lines == ('the slot of Tuesday 2026-11-24 09:00 Europe/Berlin goes out with "a"', "a is sent")
    assert str(report.next) == "Friday 2026-11-27 09:00 Europe/Berlin"
    assert waiting(world) == ["b"]


def test_nothing_is_done_or_said_before_the_slot(world: World) -> None:
    world.approve("a")
    report = world.look(NINE - timedelta(microseconds=1))
    assert (report.lines, report.openings, report.next.starts_at) == ((), (), NINE)


def test_a_slot_remembers_its_wall_time_and_zone(world: World) -> None:
    world.look(NINE + MINUTE)
    with world.store.reading() as connection:
        (row,) = connection.execute(select(slots)).all()
    assert (row.starts_at, row.wall_time, row.timezone) == (NINE, "2026-11-24T09:00", "Europe/Berlin")
    assert (row.state, row.opened_at) == ("empty", NINE + MINUTE)


def test_an_issue_with_an_objection_is_passed_over_and_keeps_its_place(world: World) -> None:
    world.approve("a", "b", "c")
    world.objections |= {"a": "its file changed", "b": "its file is gone"}
    report = world.look(NINE)
    assert report.lines[:2] == (
        '"a" is approved but was not sent: its file changed',
        '"b" is approved but was not sent: its file is gone',
    )
    assert (report.openings[0].slug, waiting(world)) == ("c", ["a", "b"])
    world.objections.clear()
    assert world.look(FRIDAY).openings[0].slug == "a"


def test_a_slot_is_empty_where_every_issue_has_an_objection(world: World) -> None:
    world.approve("a")
    world.objections["a"] = "its file changed"
    report = world.look(NINE)
    assert (report.openings[0].state, len(report.openings[0].passed_over)) == ("empty", 1)
    assert waiting(world) == ["a"]


def test_pins_dates_holds_and_moves_decide_who_goes_out_when(world: World) -> None:
    world.approve("late", not_before="2026-11-25")
    world.approve("held", "first", "second")
    world.approve("pinned", pinned_to="2026-11-27")
    with world.store.transaction() as connection:
        hold(connection, "held", held=True)
        move(connection, "second", 1)
    world.live([NINE, FRIDAY, NEXT_TUESDAY, NEXT_TUESDAY + timedelta(days=3)])
    assert [slug for slug, _ in world.sent] == ["second", "pinned", "late", "first"]
    assert waiting(world) == ["held"]


def test_a_pin_to_a_slot_that_is_over_keeps_the_issue_back(world: World) -> None:
    world.approve("a", pinned_to="2026-11-20")
    assert world.look(NINE).openings[0].state == "empty"


def test_an_error_of_one_broadcast_does_not_keep_the_slot_from_opening(world: World) -> None:
    world.approve("a", "b")
    world.failures.append(ProviderError("down", "try later"))
    assert [error.message for error in world.look(NINE).errors] == ["down"]
    world.failures.append(ProviderError("still down"))
    report = world.look(FRIDAY)
    assert report.lines == (
        "going on with a broadcast that was interrupted",
        "still down",
        'the slot of Friday 2026-11-27 09:00 Europe/Berlin goes out with "b"',
        "b is sent",
    )
    assert world.look(FRIDAY + MINUTE).errors == ()
    assert [slug for slug, _ in world.sent] == ["b", "a"]


def test_slot_broadcast_and_queue_change_together_or_not_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.approve("a")

    def refuse(*_: object) -> int:
        raise SafetyError("no")

    with monkeypatch.context() as patch:
        patch.setattr(world.passes.sender, "plan", refuse)
        with pytest.raises(SafetyError):
            world.look(NINE)
    assert (world.recorded(), waiting(world)) == ([], ["a"])
    world.look(NINE + MINUTE)
    assert world.recorded() == [(NINE, "taken", "a")]


def test_what_explain_says_of_the_days_to_come_is_what_happens(world: World) -> None:
    """Five issues under all rules: the sentence on each day names the issue that then goes out."""
    world.approve("a")
    world.approve("b", not_before="2026-12-01")
    world.approve("c", pinned_to="2026-12-04")
    world.approve("d")
    days = [NINE, FRIDAY, NEXT_TUESDAY, NEXT_TUESDAY + timedelta(days=3), NEXT_TUESDAY + timedelta(days=7)]
    for day in days:
        with world.store.reading() as connection:
            first = explain_day(connection, world.schedule, day.date(), day - MINUTE)[0]
        opening = world.look(day).openings[0]
        assert first.startswith(f'"{opening.slug}" goes out') if opening.slug else "would stay empty" in first
        with world.store.reading() as connection:
            over = explain_day(connection, world.schedule, day.date(), day + MINUTE)
        assert over[0].endswith(f'is over: it took "{opening.slug}" (sent).' if opening.slug else "it stayed empty.")
    assert [slug for slug, _ in world.sent] == ["a", "d", "b", "c"]
