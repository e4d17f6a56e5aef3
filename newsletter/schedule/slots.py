"""Slots: planned moments of sending, as pure arithmetic over wall time and zone.

A slot is a local date and time in an IANA zone; its instant follows from the zone's rules, always anew: where a
government changes them, the wall time stays. A wall time that a clock change leaves out runs at the first minute that
exists after it; one that comes twice runs the first time only.

Where the time is each reader's own (`[schedule] at = "09:00 local"`), a slot opens where its wall time comes first, and
goes round the world in waves: all zones in which the wall time is the same instant are one wave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

from newsletter.clock import is_zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


class Schedule(Protocol):
    """On which days (`tue`…), at which wall time, in which zone: `[schedule]` of newsletter.toml is one.

    `extra` are one-off wall times (naive). `skip` are days, `holidays` days of every year (month, day), and `pauses`
    ranges of days, first and last included, on which the days of the week have no slot; an extra one stands all the
    same, since somebody wrote it down by its date. `local`: wall times are each reader's own.
    """

    @property
    def days(self) -> tuple[str, ...]: ...
    @property
    def at(self) -> time: ...
    @property
    def timezone(self) -> str: ...
    @property
    def local(self) -> bool: ...
    @property
    def extra(self) -> tuple[datetime, ...]: ...
    @property
    def skip(self) -> tuple[date, ...]: ...
    @property
    def holidays(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def pauses(self) -> tuple[tuple[date, date], ...]: ...


@dataclass(frozen=True, order=True)
class Slot:
    """One planned moment: `starts_at` is aware, in UTC; `wall` is what the publication's clock shows, without zone.

    `waves`: it goes on in other zones when the wall time comes there, and `timezone` is the first.
    """

    starts_at: datetime
    wall: datetime
    timezone: str
    waves: bool = False

    @property
    def local(self) -> datetime:
        """The instant in the slot's own zone: what people are shown."""
        return self.starts_at.astimezone(ZoneInfo(self.timezone))

    @property
    def wall_time(self) -> str:
        """`2026-11-27T09:00`, as it is stored."""
        return self.wall.isoformat(timespec="minutes")

    def __str__(self) -> str:
        zone = f"local time, first in {self.timezone}" if self.waves else self.timezone
        return f"{self.local:%A %Y-%m-%d %H:%M} {zone}"


@dataclass(frozen=True)
class Worldwide:
    """A schedule in the local time of readers who live in `zones`: each slot opens in the first of them."""

    plan: Schedule
    zones: tuple[str, ...]
    local: bool = True

    @property
    def days(self) -> tuple[str, ...]:
        """As `Schedule` has it."""
        return self.plan.days

    @property
    def at(self) -> time:
        """As `Schedule` has it."""
        return self.plan.at

    @property
    def timezone(self) -> str:
        """That of the publication: also of readers whose zone nobody knows."""
        return self.plan.timezone

    @property
    def extra(self) -> tuple[datetime, ...]:
        """As `Schedule` has it."""
        return self.plan.extra

    @property
    def skip(self) -> tuple[date, ...]:
        """As `Schedule` has it."""
        return self.plan.skip

    @property
    def holidays(self) -> tuple[tuple[int, int], ...]:
        """As `Schedule` has it."""
        return self.plan.holidays

    @property
    def pauses(self) -> tuple[tuple[date, date], ...]:
        """As `Schedule` has it."""
        return self.plan.pauses


def worldwide(schedule: Schedule, zones: Iterable[str]) -> Worldwide:
    """The schedule for readers in `zones`; a name that is no zone counts as the publication's own."""
    known = {zone if is_zone(zone) else schedule.timezone for zone in zones}
    return Worldwide(schedule, tuple(sorted(known | {schedule.timezone})))


def waves_of(wall: datetime, home: str, zones: Iterable[str]) -> Mapping[Slot, tuple[str, ...]]:
    """The waves of a wall time, in order: each with those of `zones` (as they were given) that are in it.

    A name that is no zone is in the wave of `home`. A wave is named by the first of its zones in the alphabet, that of
    `home` by that.
    """
    found = defaultdict[datetime, list[tuple[str, str]]](list)
    for name in sorted(set(zones)):
        zone = name if is_zone(name) else home
        found[instant_of(wall, zone)].append((zone, name))
    waves = {}
    for instant, members in sorted(found.items()):
        named = {zone for zone, _ in members}
        zone = home if home in named else min(named)
        waves[Slot(instant, wall, zone)] = tuple(name for _, name in members)
    return waves


def slot_of(schedule: Schedule, wall: datetime) -> Slot:
    """The slot of a wall time of the schedule; in the readers' local time, where that comes first."""
    if not isinstance(schedule, Worldwide):
        return slot_at(wall, schedule.timezone)
    first = min(instant_of(wall, zone) for zone in schedule.zones)
    here = [zone for zone in schedule.zones if instant_of(wall, zone) == first]
    return Slot(first, wall, schedule.timezone if schedule.timezone in here else here[0], waves=True)


def slot_at(wall: datetime, timezone: str) -> Slot:
    """The slot of a wall time (naive) in a zone."""
    return Slot(instant_of(wall, timezone), wall, timezone)


def instant_of(wall: datetime, timezone: str) -> datetime:
    """The instant (UTC) of a wall time; in a gap the gap's end, of a doubled time the first (PEP 495, fold=0)."""
    zone = ZoneInfo(timezone)
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # In a gap fold=0 uses the offset of before it and so lies after the gap; its end is between the two readings.
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before, high = low.astimezone(zone).utcoffset(), instant
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high.replace(microsecond=0)


def slots_from(schedule: Schedule, moment: datetime) -> Iterator[Slot]:
    """The slots at or after `moment` (aware), in the order of their instants, each instant once."""
    day, last = _local_day(schedule, moment) - _DAY, moment - timedelta.resolution
    while day < date.max - _DAY:
        for wall in walls_of(schedule, day):
            slot = slot_of(schedule, wall)
            if slot.starts_at > last:  # a gap may bring two wall times to one instant
                yield slot
                last = slot.starts_at
        day += _DAY


def walls_of(schedule: Schedule, day: date) -> list[datetime]:
    """The wall times at which slots are planned on a day, in order."""
    walls = {wall for wall in schedule.extra if wall.date() == day}
    if DAYS[day.weekday()] in schedule.days and not closed(schedule, day):
        walls.add(datetime.combine(day, schedule.at))
    return sorted(walls)


def closed(schedule: Schedule, day: date) -> str:
    """Why the days of the week do not count on this day; empty where they do."""
    if day in schedule.skip:
        return f"[schedule] skip has {day}"
    if (day.month, day.day) in schedule.holidays:
        return f"[schedule] holidays has {day:%m-%d}"
    for first, last in schedule.pauses:
        if first <= day <= last:
            return f"[schedule] pause has {first}..{last}"
    return ""


def slots_between(schedule: Schedule, start: datetime, end: datetime) -> list[Slot]:
    """The slots with start <= instant < end."""
    return list(takewhile(lambda slot: slot.starts_at < end, slots_from(schedule, start)))


def next_slot(schedule: Schedule, moment: datetime) -> Slot:
    """The first slot after `moment`."""
    return next(slots_from(schedule, moment + timedelta.resolution))


def _local_day(schedule: Schedule, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(schedule.timezone)).date()
