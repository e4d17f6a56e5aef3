"""Try the links of issues on the web, unless that was done a short while ago; what came out is in `.newsletter/`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from newsletter.check.known import Outcome
from newsletter.check.live.guard import Guard
from newsletter.check.live.trial import Manners, Memory, try_all
from newsletter.publication import Publication

FILE_NAME = "links.json"


@dataclass(frozen=True)
class Trial:
    """What became of each address; `remembered` of them were tried earlier, the first of these `age` ago."""

    outcomes: Mapping[str, Outcome]
    remembered: int = 0
    age: timedelta = timedelta()

    def __str__(self) -> str:
        counts = self._counts
        unsure = counts.pop("refused", 0) + counts.pop("unchecked", 0) + counts.pop("private", 0)
        words = {"fine": "fine", "moved": "moved", "gone": "dead", "failing": "failing", "insecure": "insecure"}
        parts = [f"{counts[state]} {word}" for state, word in words.items() if counts[state]]
        parts += [f"{unsure} not checked"] if unsure else []
        minutes = int(self.age.total_seconds() // 60)
        old = f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min" if minutes else "a moment"
        earlier = f" ({self.remembered} of them tried earlier, up to {old} ago)" if self.remembered else ""
        return f"{len(self.outcomes)} link{'s' * (len(self.outcomes) != 1)}: {', '.join(parts)}{earlier}"

    def as_json(self) -> dict[str, Any]:
        """Counts by state for `--json`, and how old the remembered ones are."""
        return {**self._counts, "remembered": self.remembered, "age_seconds": int(self.age.total_seconds())}

    @property
    def _counts(self) -> Counter[str]:
        return Counter(outcome.state for outcome in self.outcomes.values())


def try_links(
    publication: Publication,
    urls: Iterable[str],
    now: datetime,
    *,
    offline: bool = False,
    guard: Guard | None = None,
    notice: Callable[[int], object] = str,
) -> Trial:
    """The outcome of each address. With `offline` nothing is tried: what is not remembered is `unchecked`.

    `notice` is told how many are about to be tried. `guard` is the tests' way to reach servers of their own.
    """
    config = publication.config.links
    memory = Memory(publication.state / FILE_NAME, config.max_age)
    wanted, kept = list(dict.fromkeys(urls)), memory.read(now)
    missing = [url for url in wanted if url not in kept]
    known = {url: kept[url] for url in wanted if url in kept}
    fresh = dict.fromkeys(missing, Outcome("unchecked", "offline"))
    if missing and not offline:
        notice(len(missing))
        fresh = try_all(missing, guard or Guard(frozenset(map(str.lower, config.allow))), _manners(publication))
        memory.write(kept | {url: (outcome, now) for url, outcome in fresh.items()})
    age = max((now - moment for _, moment in known.values()), default=timedelta())
    return Trial({url: fresh[url] if url in fresh else known[url][0] for url in wanted}, len(known), age)


def _manners(publication: Publication) -> Manners:
    config = publication.config.links
    lengths = (config.timeout, config.deadline, config.pause)
    timeout, deadline, pause = (length.total_seconds() for length in lengths)
    return Manners(timeout, deadline, pause, config.at_once)
