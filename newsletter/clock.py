"""Time, asked for in one place so that the demo and the tests can say what time it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import available_timezones


class Clock(Protocol):
    """What the pipeline knows of time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        ...


@dataclass(frozen=True)
class SystemClock:
    """The machine's clock, shifted by `offset`: the demo and `scheduler once --now` pretend with it."""

    offset: timedelta = timedelta()

    @classmethod
    def starting_at(cls, moment: datetime) -> SystemClock:
        """A clock that says `moment` (aware) now and runs on from there."""
        return cls(offset=moment.astimezone(UTC) - datetime.now(UTC))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone, spelt as there."""
    return _zones().get(name.casefold()) == name


def all_zones() -> list[str]:
    """The names to choose from: places, and UTC."""
    return sorted(name for name in _zones().values() if ("/" in name and not name.startswith("Etc/")) or name == "UTC")


def zone_named(text: str) -> str:
    """The IANA zone that `text` means, whatever its case and with spaces for `_`; `text` itself where it means none."""
    return _zones().get(text.strip().replace(" ", "_").casefold(), text)


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """All zones by their name in small letters: reading them from the disk takes 20 ms."""
    return {name.casefold(): name for name in available_timezones()}
