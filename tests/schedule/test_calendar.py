"""Sixty days and a year of passes: each Tuesday and Friday at nine, local time, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from threading import Barrier, Thread
from zoneinfo import ZoneInfo

import pytest
from calendars import NotingSender, World, every, mornings
from sqlalchemy import func, select

from newsletter.errors import ProviderError
from newsletter.schedule.passes import Passes, rules_of
from newsletter.store.database import open_store
from newsletter.store.tables import broadcasts

SIXTY = timedelta(days=60)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NINE = datetime(2026, 11, 24, 8, tzinfo=UTC)  # Tuesday, 09:00 in Berlin

Make = Callable[..., World]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Make]:
    made: list[World] = []

    def make(now: datetime, zone: str = "Europe/Berlin", late_window: str = "6h") -> World:
        made.append(World(tmp_path / "state", now, zone, late_window))
        return made[-1]

    yield make
    for each in made:
        each.close()


def names(count: int) -> list[str]:
    return [f"issue-{number}" for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("zone", "start", "instants"),
    [
        ("Europe/Berlin", date(2026, 10, 1), {7, 8}),  # back on 2026-10-25
        ("Europe/Berlin", date(2027, 2, 15), {8, 7}),  # forth on 2027-03-28
        ("America/New_York", date(2027, 2, 1), {14, 13}),
        ("Africa/Casablanca", date(2027, 1, 25), {8, 9}),  # back and forth again within 60 days, for Ramadan
        ("Pacific/Chatham", date(2026, 9, 1), {20, 19}),  # a zone of +12:45, forth on 2026-09-27
        ("Asia/Kolkata", date(2026, 10, 1), {3}),
    ],
)
def test_sixty_days_around_a_change_of_the_clock(world: Make, zone: str, start: date, instants: set[int]) -> None:
    """A pass a quarter of an hour, a restart in the middle, issues enough for all."""
    begin = datetime.combine(start, time(), ZoneInfo(zone)).astimezone(UTC)
    expected = mornings(start, start + SIXTY, zone)
    here = world(begin, zone)
    here.approve(*names(len(expected) + 1))
    moments = [moment for morning in expected for moment in around(morning)]
    here.live(moment for moment in moments if moment < begin + SIXTY / 2)
    here.restart()
    here.live(moment for moment in moments if moment >= begin + SIXTY / 2)
    assert here.sent == list(zip(names(len(expected)), expected, strict=True))
    assert here.recorded() == [(at, "taken", name) for name, at in here.sent]
    assert {at.astimezone(UTC).hour for _, at in here.sent} == instants
    assert {at.astimezone(ZoneInfo(zone)).strftime("%H:%M") for _, at in here.sent} == {"09:00"}


def around(morning: datetime) -> Iterator[datetime]:
    """The day's passes: each quarter of an hour from two hours before the slot to two after, then the evening."""
    instant = morning.astimezone(UTC)
    yield from every(15 * MINUTE, instant - 2 * HOUR, instant + 2 * HOUR)
    yield instant + 12 * HOUR


def test_a_year_with_both_changes_random_restarts_and_a_queue_that_runs_dry(world: Make) -> None:
    """Hours of passes at odd minutes; issues are approved now and then, so that some slots find none."""
    random = Random(5)
    start, end = date(2026, 10, 1), date(2027, 10, 1)
    here = world(datetime.combine(start, time(), UTC), late_window="6h")
    expected, queued, number = list[tuple[datetime, str, str]](), list[str](), 0
    for morning in mornings(start, end, "Europe/Berlin"):
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            number += 1
            here.approve(f"issue-{number}")
            queued.append(f"issue-{number}")
        late = random.choice((0, 1, 359, 360, 361, 600))  # minutes after the slot at which somebody looks again
        state = "missed" if late > 360 else "taken" if queued else "empty"
        expected.append((morning, state, queued.pop(0) if state == "taken" else ""))
        if random.random() < 0.2:
            here.restart()
        moments = [morning - MINUTE, morning + late * MINUTE, morning + (late + 1) * MINUTE]
        here.live(moment.astimezone(UTC) for moment in moments)
    assert here.recorded() == expected
    assert [slug for slug, _ in here.sent] == [slug for _, _, slug in expected if slug]
    assert {state for _, state, _ in expected} == {"taken", "empty", "missed"}
    assert {at.astimezone(UTC).hour for at, _, _ in expected} == {7, 8}


def test_a_late_start_within_the_window_sends_and_one_beyond_it_does_not(world: Make) -> None:
    here = world(NINE - HOUR)
    here.approve("a", "b")
    here.live([NINE - HOUR, NINE + 6 * HOUR])
    friday = NINE + timedelta(days=3)
    report = here.look(friday + 6 * HOUR + MINUTE)
    assert here.recorded() == [(NINE, "taken", "a"), (friday, "missed", "")]
    assert report.lines == (
        "the slot of Friday 2026-11-27 09:00 Europe/Berlin was missed: nobody was there in time, so nothing was sent",
    )
    tuesday = NINE + timedelta(days=7)
    here.live([tuesday, tuesday + MINUTE])
    assert here.sent == [("a", NINE + 6 * HOUR), ("b", tuesday)]


def test_who_sleeps_for_weeks_sends_one_issue_not_all(world: Make) -> None:
    here = world(NINE)
    here.approve("a", "b", "c")
    awake = NINE + timedelta(days=14, hours=1)
    here.live([NINE, awake, awake + MINUTE])
    assert [state for _, state, _ in here.recorded()] == ["taken", "missed", "missed", "missed", "taken"]
    assert here.sent == [("a", NINE), ("b", awake)]


def test_a_scheduler_that_never_ran_does_not_make_up_for_what_was_before_it(world: Make) -> None:
    here = world(NINE + MINUTE)
    here.approve("a")
    assert here.look(NINE + 7 * HOUR).openings == ()
    assert here.recorded() == []


def test_the_first_slot_of_all_is_missed_where_an_approved_issue_waited_for_it(world: Make) -> None:
    here = world(NINE - HOUR)
    here.approve("a")
    assert [opening.state for opening in here.look(NINE + 7 * HOUR).openings] == ["missed"]
    assert here.look(NINE + timedelta(days=3)).openings[0].slug == "a"


def test_what_was_missed_a_month_before_the_first_pass_is_not_told(world: Make) -> None:
    here = world(NINE - timedelta(days=30))
    here.approve("a")
    assert [opening.state for opening in here.look(NINE).openings] == ["missed", "missed", "taken"]


def test_a_slot_without_an_issue_is_empty_and_stays_so(world: Make) -> None:
    here = world(NINE)
    assert here.look(NINE).lines == (
        "the slot of Tuesday 2026-11-24 09:00 Europe/Berlin stays empty: no approved issue is queued for it",
    )
    here.approve("a")
    here.live([NINE + MINUTE, NINE + HOUR])
    assert here.sent == []
    assert here.recorded() == [(NINE, "empty", "")]


def test_a_clock_that_is_set_back_and_forth_opens_no_slot_twice(world: Make) -> None:
    here = world(NINE)
    here.approve(*names(5))
    friday = NINE + timedelta(days=3)
    here.live([NINE, NINE - 2 * HOUR, NINE, NINE + MINUTE, friday, NINE, friday + MINUTE, friday - MINUTE, friday])
    assert [slug for slug, _ in here.sent] == ["issue-1", "issue-2"]
    assert here.recorded() == [(NINE, "taken", "issue-1"), (friday, "taken", "issue-2")]


def test_a_broadcast_that_failed_is_gone_on_with_by_the_next_pass(world: Make) -> None:
    here = world(NINE)
    here.approve("a", "b")
    here.failures += [ProviderError("the provider cannot be reached")] * 2
    assert here.look(NINE).errors[0].message == "the provider cannot be reached"
    here.restart()
    assert here.look(NINE + MINUTE).errors
    report = here.look(NINE + 2 * MINUTE)
    assert (report.errors, report.openings, here.sent) == ((), (), [("a", NINE + 2 * MINUTE)])


def test_of_two_schedulers_at_the_same_moment_one_opens_the_slot(world: Make, tmp_path: Path) -> None:
    here = world(NINE)
    here.approve(*names(3))
    together, reports = Barrier(2), []

    def run() -> None:
        store = open_store("", tmp_path / "state")
        sender = NotingSender(store, lambda: NINE, here.sent)
        sender.unfinished = lambda connection: []  # type: ignore[method-assign]  # the other one is at it
        passes = Passes(store, here.schedule, rules_of(here.schedule), sender, lambda: NINE)
        together.wait()
        reports.append(passes.run())
        store.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.openings) for report in reports) == [0, 1]
    assert here.sent == [("issue-1", NINE)]
    with here.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(broadcasts)).scalar() == 1


def test_a_slot_whose_zone_gets_new_rules_after_it_opened_does_not_open_again(world: Make) -> None:
    """09:00 of that Tuesday comes six hours later by the new rules; the next Friday follows them."""
    here = world(NINE)
    here.approve("a", "b")
    here.look(NINE)
    here.schedule = here.schedule.model_copy(update={"timezone": "America/New_York"})
    here.restart()
    here.live([NINE + HOUR, NINE + 6 * HOUR, NINE + 7 * HOUR])
    assert [slug for slug, _ in here.sent] == ["a"]
    friday = datetime(2026, 11, 27, 14, tzinfo=UTC)
    here.live([friday - MINUTE, friday])
    assert here.sent == [("a", NINE), ("b", friday)]


def test_a_slot_whose_zone_gets_new_rules_before_it_opens_keeps_its_wall_time(world: Make) -> None:
    here = world(NINE - HOUR)
    here.approve("a")
    here.schedule = here.schedule.model_copy(update={"timezone": "Europe/Helsinki"})
    here.restart()
    here.live([NINE - HOUR, NINE])
    assert here.sent == [("a", NINE - HOUR)]
