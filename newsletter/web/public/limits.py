"""How often one network may ask: a bucket that fills with time, in memory, for as many networks as fit."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

_MOST = 50_000  # networks remembered; beyond, the one not seen for longest is forgotten


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """Whom a limit counts: an IPv4 address, or the /64 that one customer of a network has (RFC 6177)."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


@dataclass
class Limit:
    """`burst` at once, then `rate` a second, for each key."""

    burst: float
    rate: float
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, key: str) -> float:
        """Take one; 0 where there was one, else the seconds until there is one again."""
        with self._lock:
            now = self.clock()
            left, since = self._buckets.pop(key, (self.burst, now))
            left = min(self.burst, left + (now - since) * self.rate)
            taken = left >= 1
            self._buckets[key] = (left - 1 if taken else left, now)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
            return 0.0 if taken else (1 - left) / self.rate


@dataclass(frozen=True)
class Limits:
    """The limits of the public pages. Valid links are not counted: mailbox providers post many one-click goodbyes."""

    reading: Limit = field(default_factory=lambda: Limit(300, 10))
    asking: Limit = field(default_factory=lambda: Limit(10, 1 / 60))  # sign-ups and the like
    guessing: Limit = field(default_factory=lambda: Limit(30, 1 / 10))  # links that we did not make
