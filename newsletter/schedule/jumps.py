"""A clock that is set while the scheduler runs is not believed at once.

Set back, it does no harm: what was opened does not open again. Set forward, it would open slots before their time. So
wall time is held against the machine's own count of seconds, and after a jump nothing new is opened for ten minutes:
enough for a wrong clock to be set right, and not too late for a slot if it was right.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOLD = timedelta(minutes=10)  # less than `ON_TIME`: the slot that waited still counts as on time
_LEAP = timedelta(minutes=1)  # what a clock may gain between two looks, from a time server for example


def uptime() -> float:
    """Seconds that this machine counted, its sleep among them: waking up is no jump of the clock."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux, whose CLOCK_MONOTONIC stands still in a suspended machine
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_MONOTONIC"):  # macOS counts on in its sleep here, but not in time.monotonic()
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


@dataclass
class Jumps:
    """Watches the wall clock of one process from look to look."""

    count: Callable[[], float] = uptime
    ahead: timedelta = field(default=timedelta(), init=False)  # by how much it jumped, while it is not believed
    since: float = field(default=0.0, init=False)  # the count at which it did
    _trusted: timedelta | None = field(default=None, init=False)  # wall time less the count, as it was believed last
    _seen: timedelta = field(default=timedelta(), init=False)

    def look(self, now: datetime) -> timedelta:
        """How long nothing may be opened from `now` on; nothing where the clock goes as the machine counts."""
        count = self.count()
        offset = now - datetime.fromtimestamp(count, now.tzinfo)
        if self._trusted is None or offset - self._trusted <= _LEAP:
            self._trusted, self.ahead = offset, timedelta()
            return timedelta()
        if not self.ahead or abs(offset - self._seen) > _LEAP:
            self._seen, self.since = offset, count
        self.ahead = offset - self._trusted
        left = HOLD - timedelta(seconds=count - self.since)
        if left <= timedelta():
            self._trusted, self.ahead = offset, timedelta()
        return max(left, timedelta())
