"""Try many addresses at once: hosts side by side, the addresses of one host one after the other."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from newsletter.check.known import Outcome
from newsletter.check.live.guard import Guard, NotReachedError
from newsletter.check.live.probe import probe

_SHORT = timedelta(hours=1)  # what failed is tried again soon, since it may have been mended
_SURELY_THERE = "www.iana.org"
_STATES = frozenset("fine moved gone failing refused insecure".split())


@dataclass(frozen=True)
class Manners:
    """How addresses are tried: seconds for one answer, for all, between two calls to a host; hosts at once."""

    timeout: float = 10.0
    deadline: float = 60.0
    pause: float = 0.2
    at_once: int = 16


def try_all(urls: Iterable[str], guard: Guard, manners: Manners) -> dict[str, Outcome]:
    """What became of each address. What time did not allow is `unchecked`.

    Threads that still wait at the deadline are left behind; they are daemons and end with the program.
    """
    hosts: dict[str, list[str]] = {}
    for url in dict.fromkeys(urls):
        hosts.setdefault((urlsplit(url).hostname or "").removeprefix("www."), []).append(url)
    waiting: SimpleQueue[list[str]] = SimpleQueue()
    for same in sorted(hosts.values(), key=len, reverse=True):
        waiting.put(same)
    done: SimpleQueue[tuple[str, Outcome]] = SimpleQueue()
    end = time.monotonic() + manners.deadline
    for _ in range(min(manners.at_once, len(hosts))):
        Thread(target=_work, args=(waiting, done, guard, manners, end), daemon=True).start()
    wanted = [url for same in hosts.values() for url in same]
    found = dict[str, Outcome]()
    while len(found) < len(wanted) and (left := end - time.monotonic()) > 0:
        try:
            url, outcome = done.get(timeout=left)
        except Empty:
            break
        found[url] = outcome
    return _honest({url: found.get(url, Outcome("unchecked", "time was up")) for url in wanted}, guard)


def _work(
    waiting: SimpleQueue[list[str]], done: SimpleQueue[tuple[str, Outcome]], guard: Guard, manners: Manners, end: float
) -> None:
    while time.monotonic() < end:
        try:
            urls = waiting.get_nowait()
        except Empty:
            return
        with guard.session() as session:
            for number, url in enumerate(urls):
                if number:
                    time.sleep(manners.pause)
                if time.monotonic() >= end:
                    return
                try:
                    outcome = probe(session, url, manners.timeout)
                except Exception as error:  # a thread that dies would leave its addresses without an answer
                    outcome = Outcome("unchecked", f"trying it failed ({type(error).__name__})")
                done.put((url, outcome))


def _honest(outcomes: dict[str, Outcome], guard: Guard) -> dict[str, Outcome]:
    """Where not one host is known, and a host that surely is there is not either, the network itself is missing."""
    if not all(outcome.detail.startswith("there is no host") for outcome in outcomes.values()):
        return outcomes
    try:
        guard.resolve(_SURELY_THERE, 443)
    except NotReachedError:
        return dict.fromkeys(outcomes, Outcome("unchecked", "there is no network"))
    return outcomes


@dataclass(frozen=True)
class Memory:
    """Outcomes in a file, each with the moment of its trial; `max_age` is how long a good one is believed."""

    path: Path
    max_age: timedelta

    def read(self, now: datetime) -> dict[str, tuple[Outcome, datetime]]:
        """The outcomes that are young enough, with their moments; a file that cannot be read holds none."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            rows = {url: (_outcome(row), datetime.fromisoformat(row["at"])) for url, row in data.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}
        return {url: row for url, row in rows.items() if timedelta() <= now - row[1] <= self._believed(row[0])}

    def write(self, rows: Mapping[str, tuple[Outcome, datetime]]) -> None:
        """Keep the outcomes that say something. Where that cannot be, the next check tries again: no error."""
        data = {
            url: asdict(outcome) | {"at": moment.astimezone(UTC).isoformat(timespec="seconds")}
            for url, (outcome, moment) in sorted(rows.items())
            if outcome.state in _STATES
        }
        if not data:
            return
        draft = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(exist_ok=True)
            draft.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
            draft.replace(self.path)
        except OSError:
            with suppress(OSError):
                draft.unlink()

    def _believed(self, outcome: Outcome) -> timedelta:
        return self.max_age if outcome.state in ("fine", "moved", "refused") else min(self.max_age, _SHORT)


def _outcome(row: Mapping[str, object]) -> Outcome:
    if row["state"] not in _STATES:
        raise ValueError("no state of an outcome")
    return Outcome(str(row["state"]), str(row["detail"]), str(row["final"]), bool(row["secure"]))
