"""Each reader's own time: which wave begins when, and where a slot opens."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.clock import is_zone, zone_named
from newsletter.schedule.slots import Slot, slots_between, waves_of, worldwide
from newsletter.schedule.waves import waves_ahead

ZONES = """
    Pacific/Kiritimati Pacific/Chatham Australia/Lord_Howe Asia/Tokyo Asia/Kolkata Europe/Berlin Europe/Paris UTC
    America/St_Johns America/New_York America/Los_Angeles Pacific/Honolulu Pacific/Niue Africa/Casablanca Pacific/Apia
""".split()
UNKNOWN = ["", "Mars/Olympus", "europe/berlin", "+01:00"]
TUESDAY = datetime(2026, 11, 24, 9)


@dataclass(frozen=True)
class Plan:
    days: tuple[str, ...] = ("tue", "fri")
    at: time = time(9)
    timezone: str = "Europe/Berlin"
    local: bool = True
    extra: tuple[datetime, ...] = ()
    skip: tuple[date, ...] = ()
    holidays: tuple[tuple[int, int], ...] = ()
    pauses: tuple[tuple[date, date], ...] = ()


def test_the_sun_brings_a_tuesday_round_the_world() -> None:
    zones = ["Asia/Tokyo", "Europe/Paris", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", ""]
    waves = waves_of(TUESDAY, "Europe/Berlin", zones)
    assert [(f"{at.starts_at:%a %H:%M}", at.timezone, names) for at, names in waves.items()] == [
        ("Mon 19:00", "Pacific/Kiritimati", ("Pacific/Kiritimati",)),
        ("Tue 00:00", "Asia/Tokyo", ("Asia/Tokyo",)),
        ("Tue 08:00", "Europe/Berlin", ("", "Europe/Berlin", "Europe/Paris")),
        ("Tue 14:00", "America/New_York", ("America/New_York",)),
    ]


def test_a_slot_opens_where_its_time_comes_first_and_says_so() -> None:
    plan = worldwide(Plan(), ["Asia/Tokyo", "America/New_York", "nowhere"])
    (slot,) = slots_between(plan, datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
    assert (slot.starts_at, slot.wall_time) == (datetime(2026, 11, 24, tzinfo=UTC), "2026-11-24T09:00")
    assert str(slot) == "Tuesday 2026-11-24 09:00 local time, first in Asia/Tokyo"


def test_who_lives_behind_the_publication_does_not_make_it_later() -> None:
    plan = worldwide(Plan(), ["America/New_York"])
    (slot,) = slots_between(plan, datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
    assert slot.starts_at == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_waves_are_counted_and_those_for_nobody_left_out() -> None:
    slot = Slot(datetime(2026, 11, 24, tzinfo=UTC), TUESDAY, "Asia/Tokyo", waves=True)
    waves = waves_ahead(slot, "Europe/Berlin", {"": 3, "Europe/Paris": 2, "Asia/Tokyo": 1, "nowhere": 4})
    assert [(wave.timezone, wave.readers) for wave in waves] == [("Asia/Tokyo", 1), ("Europe/Berlin", 9)]
    assert waves[1].told(ZoneInfo("Europe/Berlin")) == "9 readers Tue 09:00 (Europe/Berlin)"
    assert waves_ahead(Slot(slot.starts_at, slot.wall, slot.timezone), "Europe/Berlin", {"": 3}) == []


@cache
def first(wall: datetime, zone: str) -> datetime:
    """The first instant at which the zone's clock shows `wall`, of all that any zone could mean; else just after it."""
    moments = [wall.replace(tzinfo=UTC) - timedelta(minutes=quarter * 15) for quarter in range(-48, 61)]
    shown = {moment: moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments}
    exact = [moment for moment in moments if shown[moment] == wall]
    moment = min(exact, default=max(moment for moment in moments if shown[moment] < wall))
    while moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return moment


DAYS = [  # a common day, and days on which clocks change: Berlin, New York, Lord Howe and Chatham, Casablanca
    *(date(2026, 11, 24), date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1)),
    *(date(2026, 4, 5), date(2026, 10, 4), date(2026, 9, 27), date(2026, 2, 15), date(2026, 3, 22), date(2028, 2, 29)),
]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(DAYS),
    st.integers(0, 24 * 60 - 1),
    st.sampled_from(ZONES),
    st.lists(st.sampled_from(ZONES + UNKNOWN), max_size=20),
)
def test_waves_are_those_of_clocks_that_are_watched(day: date, minute: int, home: str, names: list[str]) -> None:
    wall = datetime.combine(day, time(minute // 60, minute % 60))
    expected: dict[datetime, set[str]] = defaultdict(set)
    for name in names:
        expected[first(wall, name if name in ZONES else home)].add(name)
    waves = waves_of(wall, home, names)
    assert {at.starts_at: set(members) for at, members in waves.items()} == expected
    assert sorted(waves) == list(waves), "in the order in which they begin"
    opening = first(wall, home)
    slots = slots_between(
        worldwide(Plan(days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), at=wall.time(), timezone=home), names),
        datetime.combine(day, time(), UTC) - timedelta(days=2),
        datetime.combine(day, time(), UTC) + timedelta(days=2),
    )
    assert next(slot.starts_at for slot in slots if slot.wall == wall) == min([opening, *expected])
    assert all(one.starts_at < other.starts_at for one, other in pairwise(slots))


@pytest.mark.parametrize(
    ("text", "zone"),
    [("europe/berlin", "Europe/Berlin"), ("America/New York", "America/New_York"), ("Mars", "Mars"), ("", "")],
)
def test_a_zone_is_known_whatever_its_spelling(text: str, zone: str) -> None:
    assert zone_named(text) == zone
    assert is_zone(zone) == (zone not in ("Mars", ""))
