"""One drill: a broadcast whose sender is killed at random moments and started again until the issue is sent."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sqlalchemy import select

from newsletter.store.tables import broadcasts

from .audit import Audit, audit
from .place import PATIENCE, Ended, Place, ended, make_place
from .provider import Provider, running_provider

SLUG = "word-1"
FAULTS = "429:0.06,500:0.04,502:0.02,502-after:0.02,reset:0.03,reset-after:0.03,truncated-after:0.02,stall-after:0.003"
_OK, _LATER, _PARTLY = 0, 6, 7
_NO_BROADCAST = 2  # killed before the broadcast was written down
_FRUITLESS = 50  # runs in a row that bring nothing: something is broken


@dataclass(frozen=True)
class Drill:
    """What to do: so many readers and kills, which faults; the same seed draws the same moments."""

    recipients: int = 20_000
    kills: int = 3
    seed: int = 1
    faults: str = FAULTS
    idempotency: bool = True
    batch_size: int = 100
    senders: int = 1
    workers: int = 0  # so many processes of `newsletter worker` in place of the senders
    database_url: str = ""


@dataclass
class Outcome:
    """What happened. `killed_at` is how many mails the provider had at each kill, `ends` are exit codes."""

    killed_at: list[int] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    seconds: float = 0.0
    audit: Audit | None = None


def run(drill: Drill, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Do the drill in `folder`, which is new or empty, and audit what came of it."""
    faults = f"{drill.faults};seed={drill.seed}" if drill.faults else ""
    with running_provider(folder / "provider", faults=faults, idempotency=drill.idempotency) as provider:
        place = make_place(
            folder / "publication",
            provider.url,
            recipients=drill.recipients,
            batch_size=drill.batch_size,
            database_url=drill.database_url,
            workers=drill.workers > 0,
        )
        outcome = (by_workers if drill.workers else broadcast)(drill, place, provider, tell)
        outcome.audit = audit(place, provider, SLUG)
    return outcome


def broadcast(drill: Drill, place: Place, provider: Provider, tell: Callable[[str], None]) -> Outcome:
    """Send with kills, then without, until the sender ends well, or with batches in doubt that nobody may repeat."""
    readers = int(place.run("send", SLUG, "--dry-run").data["readers"])
    first, resume = ("send", SLUG, "--now", "--confirm", f"{SLUG}:{readers}"), ("send", SLUG, "--resume")
    random, outcome, began, words = Random(drill.seed), Outcome(), time.monotonic(), first
    running: list[subprocess.Popen[str]] = []
    while True:
        while len(running) < drill.senders:
            running.append(place.start(*(resume if running else words)))
        left, victim = drill.kills - len(outcome.killed_at), None
        if left:
            # Even odds over what is left to send: all kills land while it posts, and none knows where in a batch.
            before = provider.accepted()
            moment = before + random.uniform(0, 2 * (readers - before) / (left + 1))
            victim = _kill_one_when(running, lambda: provider.accepted() >= moment, random)  # noqa: B023
        over = [sender for sender in running if victim is None or sender is victim or sender.poll() is not None]
        running = [sender for sender in running if sender not in over]
        ends = [ended(sender) for sender in over]
        outcome.ends += ends
        if -9 in [end.code for end in ends]:
            outcome.killed_at.append(provider.accepted())
            tell(f"kill {len(outcome.killed_at)} of {drill.kills}: the provider has {outcome.killed_at[-1]:,} mails")
        words = first if all(end.code == _NO_BROADCAST for end in ends) else resume
        if _is_over(ends, outcome, drill):
            outcome.ends += [ended(sender) for sender in running]
            outcome.seconds = time.monotonic() - began
            return outcome


def by_workers(drill: Drill, place: Place, provider: Provider, tell: Callable[[str], None]) -> Outcome:
    """Hand the broadcast over, and keep so many workers at it, one of which is killed now and then, until it ends."""
    random, outcome, began, running = Random(drill.seed), Outcome(), time.monotonic(), list[subprocess.Popen[str]]()
    readers = int(place.run("send", SLUG, "--dry-run").data["readers"])
    place.run("send", SLUG, "--now", "--confirm", f"{SLUG}:{readers}").data  # noqa: B018 - raises where it went wrong
    while len(outcome.killed_at) < drill.kills and provider.accepted() < readers:
        running += [place.start("worker") for _ in range(drill.workers - len(running))]
        before, left = provider.accepted(), drill.kills - len(outcome.killed_at)
        moment = before + random.uniform(0, 2 * (readers - before) / (left + 1))
        victim = _kill_one_when(running, lambda: provider.accepted() >= moment, random)  # noqa: B023
        assert victim is not None, [ended(worker) for worker in running]
        running.remove(victim)
        outcome.ends.append(ended(victim))
        outcome.killed_at.append(provider.accepted())
        tell(f"kill {len(outcome.killed_at)} of {drill.kills}: the provider has {outcome.killed_at[-1]:,} mails")
    running += [place.start("worker") for _ in range(drill.workers - len(running))]
    while state_of(place) == "sending":
        assert time.monotonic() - began < PATIENCE, "it never ends"
        time.sleep(0.2)
    for worker in running:
        worker.terminate()
    outcome.ends += [ended(worker) for worker in running]
    outcome.seconds = time.monotonic() - began
    return outcome


def state_of(place: Place) -> str:
    """The state of the broadcast, in the ledger."""
    with place.store() as store, store.reading() as connection:
        return str(connection.execute(select(broadcasts.c.state).where(broadcasts.c.slug == SLUG)).scalar())


def _kill_one_when(
    senders: list[subprocess.Popen[str]], reached: Callable[[], bool], random: Random
) -> subprocess.Popen[str] | None:
    """`kill -9` one of the processes some time after the moment is reached; None where all ended before."""
    delay = random.uniform(0, 0.02)
    while living := [sender for sender in senders if sender.poll() is None]:
        if reached():
            time.sleep(delay)
            victim = random.choice(living)
            victim.kill()
            return victim
        time.sleep(0.002)
    return None


def _is_over(ends: Sequence[Ended], outcome: Outcome, drill: Drill) -> bool:
    for end in ends:
        known = (_OK, -9, _LATER, _PARTLY, _NO_BROADCAST)
        assert end.code in known, f"exit {end.code}: {end.answer} {end.said}"
    if _OK in [end.code for end in ends]:
        return True
    last = ends[-1]
    in_doubt = last.code == _PARTLY and "unknown" in last.answer["error"]["message"] and not drill.idempotency
    # Without keys each kill leaves calls in doubt: when nothing else is left, the kills still to come find no victim.
    nothing_left = in_doubt and len(outcome.ends) > 1 and outcome.ends[-2].answer == last.answer
    if nothing_left or (in_doubt and len(outcome.killed_at) >= drill.kills):
        return True
    fruitless = [other.code for other in outcome.ends[-_FRUITLESS * drill.senders :]]
    stuck = fruitless.count(_LATER) + fruitless.count(_PARTLY) >= _FRUITLESS * drill.senders
    assert not stuck, f"it never ends: {last.answer}"
    return False
