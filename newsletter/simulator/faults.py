"""Faults to answer with: `429:0.1,500:0.05,reset-after:0.02;seed=7` at random, or `at:3=500` for the third call."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from random import Random

from newsletter.errors import UsageError

KINDS = {
    "429": "over the rate limit, nothing taken",
    "402": "the plan or credit is used up, nothing taken",
    "403": "the sender's domain is not verified, nothing taken",
    "500": "the documented error, nothing taken",
    "502": "an HTML page from some proxy, nothing taken",
    "502-after": "the mail is taken, then an HTML page from some proxy",
    "reset": "the connection breaks, nothing taken",
    "reset-after": "the mail is taken, then the connection breaks",
    "truncated-after": "the mail is taken, then half of the answer comes",
    "stall": "no answer for a long time, nothing taken",
    "stall-after": "the mail is taken, then no answer for a long time",
}
_EXAMPLE = f"such as 429:0.1,reset-after:0.02;seed=7 or at:3=500; faults are: {', '.join(KINDS)}"


@dataclass
class Faults:
    """Which fault, if any, each call meets; the same calls in the same order meet the same ones."""

    odds: dict[str, float] = field(default_factory=dict)
    at: dict[int, str] = field(default_factory=dict)
    seed: int = 0
    _calls: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - repeatable, not secret

    def next(self) -> str:
        """The fault of the next call, or an empty text."""
        with self._lock:
            self._calls += 1
            chance = self._random.random()
            if self._calls in self.at:
                return self.at[self._calls]
            for kind, odds in self.odds.items():
                if chance < odds:
                    return kind
                chance -= odds
            return ""


def parse_faults(spec: str) -> Faults:
    """The faults that `spec` asks for; raises UsageError that names the part it does not understand."""
    parts, _, seed = spec.partition(";seed=")
    if seed and not seed.isdigit():
        raise UsageError(f'--faults: the seed "{seed}" is no whole number', _EXAMPLE)
    faults = Faults(seed=int(seed or 0))
    for part in (part.strip() for part in parts.split(",") if part.strip()):
        try:
            if part.startswith("at:"):
                number, kind = part[3:].split("=")
                faults.at[int(number)] = kind
            else:
                kind, odds = part.split(":")
                faults.odds[kind] = float(odds)
        except ValueError:
            raise UsageError(f'--faults: "{part}" is not understood', _EXAMPLE) from None
        if kind not in KINDS:
            raise UsageError(f'--faults: there is no fault "{kind}"', _EXAMPLE)
    if not all(0 <= odds <= 1 for odds in faults.odds.values()) or sum(faults.odds.values()) > 1:
        raise UsageError("--faults: the chances are below 0 or more than 1 together", _EXAMPLE)
    return faults
