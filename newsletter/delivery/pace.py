"""How fast to post and how long to wait: arithmetic over a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from newsletter.clock import Clock

# Calls that leave evenly do not arrive evenly: at the very limit, every few of them would be one too many.
_SLACK = 1.04


@dataclass
class Pace:
    """Lets calls through evenly, just below `per_second` and no bursts: the strictest reading of a limit per second."""

    clock: Clock
    per_second: float
    _next: datetime | None = field(default=None, init=False)

    def delay(self) -> float:
        """Seconds to wait before the next call; the call is counted as made at that moment."""
        now, interval = self.clock.now(), timedelta(seconds=_SLACK / self.per_second)
        # A clock that is set back must not stop the sending: no call ever waits longer than one interval.
        start = now if self._next is None else min(max(now, self._next), now + interval)
        self._next = start + interval
        return (start - now).total_seconds()


def backoff(attempt: int, base: timedelta, limit: timedelta, random: Random) -> float:
    """Seconds to wait after the `attempt`-th failure (from 1): doubling up to `limit`, less some of its half.

    "Equal jitter": many senders that failed together do not come back together, and none comes back at once.
    """
    longest: float = min(base.total_seconds() * 2.0 ** min(attempt - 1, 30), limit.total_seconds())
    return longest * (0.5 + random.random() / 2)
