"""Where readers get an issue at their own time: the schedule that follows from where they live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from newsletter.audience.subscribers import zones
from newsletter.schedule.slots import Schedule, Slot, Worldwide, waves_of, worldwide


@dataclass(frozen=True)
class Wave:
    """Readers of one broadcast who get it at the same moment: where and when it is, and how many they are.

    `state` is `planned` where there is no broadcast yet, else `waiting`, `begun`, `done` or `missed`.
    """

    at: datetime
    timezone: str
    readers: int
    state: str = "planned"
    sent: int = 0

    @property
    def zone(self) -> ZoneInfo:
        """The zone that it is named by."""
        return ZoneInfo(self.timezone)

    def told(self, home: ZoneInfo) -> str:
        """`540 readers Tue 09:00 (Europe/Berlin)`, the time in the publication's zone; with its state once begun."""
        state = "" if self.state in ("planned", "waiting") else f", {self.state}"
        whom = f"{self.readers} reader{'' if self.readers == 1 else 's'}"
        return f"{whom} {self.at.astimezone(home):%a %H:%M} ({self.timezone}{state})"

    def as_json(self) -> dict[str, object]:
        """Plain values for `--json`."""
        return vars(self) | {"at": self.at.isoformat()}


def in_effect(connection: Connection, schedule: Schedule) -> Schedule:
    """The schedule by which slots open now: in the readers' own time, where the first of them are."""
    if not schedule.local or isinstance(schedule, Worldwide):
        return schedule
    return worldwide(schedule, zones(connection))


def waves_ahead(slot: Slot, home: str, readers: Mapping[str, int]) -> list[Wave]:
    """The waves of a slot for so many readers in each zone; none where it is one moment for all."""
    if not slot.waves:
        return []
    waves = waves_of(slot.wall, home, readers)
    counted = [Wave(at.starts_at, at.timezone, sum(readers[name] for name in names)) for at, names in waves.items()]
    return [wave for wave in counted if wave.readers]


def in_words(waves: Sequence[Wave], home: ZoneInfo) -> str:
    """`4 waves (times in Europe/Berlin): 120 readers Tue 01:00 (Asia/Tokyo), …`."""
    told = ", ".join(wave.told(home) for wave in waves)
    return f"{len(waves)} wave{'' if len(waves) == 1 else 's'} (times in {home.key}): {told}"
