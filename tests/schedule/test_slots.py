"""Slots through the year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.schedule.slots import instant_of, next_slot, slots_between


@dataclass(frozen=True)
class Plan:
    days: tuple[str, ...] = ("tue", "fri")
    at: time = time(9)
    timezone: str = "Europe/Berlin"


ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]


def test_nine_o_clock_stays_nine_o_clock_over_both_changes_of_the_clock() -> None:
    year = slots_between(Plan(), datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert len(year) == 104
    assert {slot.local.strftime("%H:%M") for slot in year} == {"09:00"}
    assert {slot.local.strftime("%a") for slot in year} == {"Tue", "Fri"}
    assert {slot.starts_at.hour for slot in year} == {7, 8}


def test_a_time_that_the_clock_leaves_out_runs_at_the_first_minute_after_it() -> None:
    assert instant_of(datetime(2026, 3, 29, 2, 30), "Europe/Berlin") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert instant_of(datetime(2026, 3, 8, 2, 1), "America/New_York") == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


def test_a_time_that_comes_twice_runs_the_first_time_only() -> None:
    assert instant_of(datetime(2026, 10, 25, 2, 30), "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    plan = Plan(days=("sun",), at=time(2, 30))
    assert len(slots_between(plan, datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC))) == 1


def test_the_next_slot_is_after_the_moment_even_on_the_dot() -> None:
    first = next_slot(Plan(), datetime(2026, 11, 24, 7, 59, tzinfo=UTC))
    assert str(first) == "Tuesday 2026-11-24 09:00 Europe/Berlin"
    assert str(next_slot(Plan(), first.starts_at)) == "Friday 2026-11-27 09:00 Europe/Berlin"


@settings(deadline=None)  # the walk is slow, and so is a busy machine
@given(
    st.sampled_from(ZONES),
    st.integers(0, 24 * 60 - 1),
    st.dates(date(1990, 1, 1), date(2040, 1, 1)),
    st.integers(1, 40),
)
def test_slots_are_those_of_a_minute_by_minute_walk(zone: str, minute: int, start: date, days: int) -> None:
    plan = Plan(at=time(minute // 60, minute % 60), timezone=zone)
    begin = datetime.combine(start, time(), UTC)
    end = begin + timedelta(days=days)
    assert [slot.starts_at for slot in slots_between(plan, begin, end)] == naive(plan, begin, end)


def naive(plan: Plan, begin: datetime, end: datetime) -> list[datetime]:
    """Walk the instants and look at the wall clock: the first on each planned day that shows the time or is past it."""
    found, done, zone = [], set(), ZoneInfo(plan.timezone)
    moment = begin - timedelta(days=2)
    while moment < end:
        wall = moment.astimezone(zone)
        if wall.time() >= plan.at and wall.date() not in done and wall.strftime("%a").lower() in plan.days:
            done.add(wall.date())
            if moment >= begin:
                found.append(moment)
        moment += timedelta(minutes=1)
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_that_a_zone_left_out_does_not_stop_the_slots(zone: str) -> None:
    plan = Plan(days=("fri",), timezone=zone)  # Apia had no Friday 2011-12-30
    found = slots_between(plan, datetime(2011, 12, 20, tzinfo=UTC), datetime(2012, 1, 10, tzinfo=UTC))
    assert [slot.starts_at for slot in found] == sorted({slot.starts_at for slot in found})
