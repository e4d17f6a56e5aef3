"""Slots through the year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.schedule.slots import instant_of, next_slot, slots_between, walls_of


@dataclass(frozen=True)
class Plan:
    days: tuple[str, ...] = ("tue", "fri")
    at: time = time(9)
    timezone: str = "Europe/Berlin"
    local: bool = False
    extra: tuple[datetime, ...] = ()
    skip: tuple[date, ...] = ()
    holidays: tuple[tuple[int, int], ...] = ()
    pauses: tuple[tuple[date, date], ...] = ()


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


def test_every_minute_that_the_clock_leaves_out_runs_at_the_same_second() -> None:
    minutes = [datetime(2026, 3, 29, 2, minute) for minute in range(60)]
    assert {instant_of(wall, "Europe/Berlin") for wall in minutes} == {datetime(2026, 3, 29, 1, tzinfo=UTC)}


def test_a_time_that_comes_twice_runs_the_first_time_only() -> None:
    assert instant_of(datetime(2026, 10, 25, 2, 30), "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    plan = Plan(days=("sun",), at=time(2, 30))
    assert len(slots_between(plan, datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC))) == 1


def test_the_next_slot_is_after_the_moment_even_on_the_dot() -> None:
    first = next_slot(Plan(), datetime(2026, 11, 24, 7, 59, tzinfo=UTC))
    assert str(first) == "Tuesday 2026-11-24 09:00 Europe/Berlin"
    assert str(next_slot(Plan(), first.starts_at)) == "Friday 2026-11-27 09:00 Europe/Berlin"


def test_the_end_of_a_range_is_not_in_it() -> None:
    first, second = datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert [slot.starts_at for slot in slots_between(Plan(), first, second)] == [first]


def test_an_extra_slot_is_on_its_own_day_only() -> None:
    extra = datetime(2026, 11, 24, 18)
    plan = Plan(extra=(extra,))
    assert walls_of(plan, date(2026, 11, 23)) == []
    assert walls_of(plan, date(2026, 11, 24)) == [datetime(2026, 11, 24, 9), extra]
    assert walls_of(plan, date(2026, 11, 27)) == [datetime(2026, 11, 27, 9)]


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


THIRTY = """
    Africa/Cairo Africa/Casablanca Africa/Johannesburg America/Anchorage America/Asuncion America/Caracas
    America/Chicago America/Havana America/Los_Angeles America/New_York America/Nuuk America/Sao_Paulo America/St_Johns
    Antarctica/Troll Asia/Beirut Asia/Gaza Asia/Kathmandu Asia/Kolkata Asia/Pyongyang Asia/Tehran Asia/Tokyo
    Australia/Eucla Australia/Lord_Howe Europe/Berlin Europe/Dublin Europe/Istanbul Europe/Volgograd Pacific/Apia
    Pacific/Chatham UTC
""".split()
QUARTER = timedelta(minutes=15)


def instant_by_trial(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant that shows this wall time; where none does, that of the next minute for which one does."""
    while True:
        naive = wall.replace(tzinfo=UTC)
        offsets = {(naive + timedelta(hours=h)).astimezone(zone).utcoffset() or timedelta() for h in (-26, 0, 26)}
        showing = [naive - offset for offset in offsets if same_wall(naive - offset, zone, wall)]
        if showing:
            return min(showing)
        wall += timedelta(minutes=1)


def same_wall(instant: datetime, zone: ZoneInfo, wall: datetime) -> bool:
    return instant.astimezone(zone).replace(tzinfo=None) == wall


def by_trial(plan: Plan, first: date, last: date) -> list[datetime]:
    """The instants of the slots of the days first to last: each day is looked at by itself."""
    instants, day = set(), first
    while day <= last:
        yearly = (day.month, day.day) in plan.holidays
        paused = any(day in (start + timedelta(n) for n in range((end - start).days + 1)) for start, end in plan.pauses)
        walls = [wall for wall in plan.extra if wall.strftime("%F") == day.isoformat()]
        if day.strftime("%a").lower() in plan.days and not (yearly or paused or day in plan.skip):
            walls.append(datetime(day.year, day.month, day.day, plan.at.hour, plan.at.minute))
        instants |= {instant_by_trial(wall, ZoneInfo(plan.timezone)) for wall in walls}
        day += timedelta(days=1)
    return sorted(instants)


@pytest.mark.parametrize("zone", THIRTY)
def test_fifty_years_are_those_of_a_second_way_to_count(zone: str) -> None:
    """At half past two, when most clocks change, on Sunday, when most change, and on Friday, which Apia left out."""
    plan = Plan(("fri", "sun"), time(2, 30), zone)
    begin, end = datetime(2000, 1, 3, tzinfo=UTC), datetime(2050, 1, 3, tzinfo=UTC)
    expected = [at for at in by_trial(plan, date(2000, 1, 1), date(2050, 1, 5)) if begin <= at < end]
    found = slots_between(plan, begin, end)
    assert [slot.starts_at for slot in found] == expected
    assert len(found) >= 5200


DATES = st.dates(date(2000, 1, 1), date(2049, 12, 31))


@st.composite
def plans(draw: st.DrawFn) -> tuple[Plan, date]:
    """A plan with all that a schedule may hold, close to a day that it is about."""
    about = draw(DATES)
    near = st.integers(-40, 40).map(lambda days: about + timedelta(days=days))
    minute = draw(st.integers(0, 24 * 60 - 1))
    pause = st.tuples(near, near).map(lambda pair: (min(pair), max(pair)))
    walls = st.builds(lambda day, n: datetime.combine(day, time()) + n * QUARTER, near, st.integers(0, 95))
    days = draw(st.lists(st.sampled_from("mon tue wed thu fri sat sun".split()), min_size=1, unique=True))
    return (
        Plan(
            days=tuple(days),
            at=time(minute // 60, minute % 60),
            timezone=draw(st.sampled_from(THIRTY)),
            extra=tuple(draw(st.lists(walls, max_size=4))),
            skip=tuple(draw(st.lists(near, max_size=3))),
            holidays=tuple((day.month, day.day) for day in draw(st.lists(near, max_size=3))),
            pauses=tuple(draw(st.lists(pause, max_size=2))),
        ),
        about,
    )


@given(plans())
def test_extras_skipped_days_holidays_and_pauses_are_those_of_a_second_way_to_count(case: tuple[Plan, date]) -> None:
    plan, about = case
    begin = datetime.combine(about - timedelta(days=45), time(), UTC)
    end = datetime.combine(about + timedelta(days=45), time(), UTC)
    expected = by_trial(plan, about - timedelta(days=48), about + timedelta(days=48))
    assert [slot.starts_at for slot in slots_between(plan, begin, end)] == [at for at in expected if begin <= at < end]


def test_an_extra_slot_stands_on_a_day_that_is_skipped_and_in_a_pause() -> None:
    christmas = date(2026, 12, 25)
    plan = Plan(
        extra=(datetime(2026, 12, 25, 18), datetime(2027, 1, 6, 7, 15)),
        skip=(christmas,),
        pauses=((date(2026, 12, 28), date(2027, 1, 10)),),
    )
    found = slots_between(plan, datetime(2026, 12, 22, 12, tzinfo=UTC), datetime(2027, 1, 13, tzinfo=UTC))
    assert [slot.wall_time for slot in found] == ["2026-12-25T18:00", "2027-01-06T07:15", "2027-01-12T09:00"]


def test_the_leap_day_is_a_day_like_others_and_a_yearly_holiday_in_the_years_that_have_it() -> None:
    daily = Plan(days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), holidays=((2, 29),))
    for year, left_out in ((2027, 0), (2028, 1)):
        found = slots_between(daily, datetime(year, 2, 1, tzinfo=UTC), datetime(year, 3, 1, tzinfo=UTC))
        assert len(found) == 28
        assert (date(year, 3, 1) - date(year, 2, 1)).days - len(found) == left_out
