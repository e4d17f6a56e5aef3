"""The documented rate limit: so many requests a second and key, told in three headers of every answer."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass

_UNLIMITED = 1_000_000


@dataclass(frozen=True)
class Standing:
    """Where a key stands: calls a window, calls left, Unix second at which all are free, seconds to wait (0: none)."""

    limit: int
    remaining: int
    reset: int
    wait: float = 0.0

    @property
    def headers(self) -> dict[str, str]:
        """The documented headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class RateLimit:
    """A sliding window for each key: `rate` calls in a second, or one in `1 / rate` seconds; 0 limits nothing."""

    def __init__(self, rate: float) -> None:
        self._limit = max(1, math.floor(rate)) if rate else _UNLIMITED
        self._window = self._limit / rate if rate else 1.0
        self._limited = bool(rate)
        self._recent: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def look(self) -> Standing:
        """Where a key stands that never called."""
        return Standing(self._limit, self._limit, math.ceil(time.time()))

    def call(self, key: str) -> Standing:
        """Count one call of `key`, unless it has to wait."""
        if not self._limited:
            return self.look()
        with self._lock:
            calls, now = self._recent.setdefault(key, deque()), time.monotonic()
            while calls and calls[0] <= now - self._window:
                calls.popleft()
            wait = 0.0
            if len(calls) >= self._limit:
                wait = max(0.001, round(calls[0] + self._window - now, 3))
            else:
                calls.append(now)
            reset = math.ceil(time.time() + calls[-1] + self._window - now)
            return Standing(self._limit, self._limit - len(calls), reset, wait)
