"""Slots: planned moments of sending, as pure arithmetic over wall time and zone.

A slot is a local date and time in an IANA zone; its instant follows from the zone's rules. A wall time that a clock
change leaves out runs at the first minute that exists after it; one that comes twice runs the first time only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


class Schedule(Protocol):
    """On which days (`tue`…), at which wall time, in which zone: `[schedule]` of newsletter.toml is one."""

    @property
    def days(self) -> tuple[str, ...]: ...
    @property
    def at(self) -> time: ...
    @property
    def timezone(self) -> str: ...


@dataclass(frozen=True, order=True)
class Slot:
    """One planned moment: `starts_at` is aware, in UTC; `wall` is what the publication's clock shows, without zone."""

    starts_at: datetime
    wall: datetime
    timezone: str

    @property
    def local(self) -> datetime:
        """The instant in the slot's own zone: what people are shown."""
        return self.starts_at.astimezone(ZoneInfo(self.timezone))

    @property
    def wall_time(self) -> str:
        """`2026-11-27T09:00`, as it is stored."""
        return self.wall.isoformat(timespec="minutes")

    def __str__(self) -> str:
        return f"{self.local:%A %Y-%m-%d %H:%M} {self.timezone}"


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
    """The slots at or after `moment` (aware), without end, in the order of their instants."""
    day = _local_day(schedule, moment) - _DAY
    while day < date.max - _DAY:
        if DAYS[day.weekday()] in schedule.days:
            slot = slot_at(datetime.combine(day, schedule.at), schedule.timezone)
            if slot.starts_at >= moment:
                yield slot
        day += _DAY


def slots_between(schedule: Schedule, start: datetime, end: datetime) -> list[Slot]:
    """The slots with start <= instant < end."""
    return list(takewhile(lambda slot: slot.starts_at < end, slots_from(schedule, start)))


def next_slot(schedule: Schedule, moment: datetime) -> Slot:
    """The first slot after `moment`."""
    return next(slot for slot in slots_from(schedule, moment) if slot.starts_at > moment)


def _local_day(schedule: Schedule, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(schedule.timezone)).date()
