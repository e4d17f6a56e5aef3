"""Subject tests: samples of the audience get the issue under different subjects, the rest under the one that won.

    sampling ──► waiting ──► decided        one part of the audience after the other is planned and posted; then the
                                            time to answer passes; then the subject of all others stands, for good

Everything that happens is a row: which subject a reader of a sample gets stands in their delivery (`sample`), the
decision in one change of the trial's row. Readers of the rest have no delivery before it, so that nothing can post
theirs too early, and the primary key of the deliveries keeps anybody from getting the issue under two subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import erfc, sqrt
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, cast, distinct, func, select, update
from sqlalchemy.types import BigInteger

from newsletter.delivery.protocol import EventKind
from newsletter.delivery.responses import responses
from newsletter.delivery.states import DeliveryState
from newsletter.store.tables import deliveries, trials

_PRIME = 2**31 - 1  # squares of what is left by it fit into 64 bits
_REST = 0  # the part of those who are in no sample
_HAVE = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.COMPLAINED)
_SURE = 0.05
_Number = TypeVar("_Number", int, ColumnElement[int])


class Rule(StrEnum):
    """What decides: the share of readers who clicked, or who opened."""

    CLICKS = "clicks"
    OPENS = "opens"


class Phase(StrEnum):
    """Where a trial stands."""

    SAMPLING = "sampling"
    WAITING = "waiting"
    DUE = "due"
    DECIDED = "decided"


@dataclass(frozen=True)
class Terms:
    """What was agreed before: `share` of the audience is tested, all subjects together, for as long as `wait`.

    A subject wins by more than `margin` over the first one, as shares of readers. `aside` is how the addresses begin
    that are no success when clicked: those that lead out of the list.
    """

    rule: Rule
    share: float
    wait: timedelta
    margin: float
    aside: str = ""


@dataclass(frozen=True)
class Arm:
    """One subject: how many readers of its sample have the issue, and how many of them responded in time."""

    subject: str
    readers: int
    responded: int

    @property
    def rate(self) -> float:
        """The responded as a share."""
        return self.responded / self.readers if self.readers else 0.0


@dataclass(frozen=True)
class Trial:
    """The test of one broadcast's subjects. `part` is the sample that is planned now, counted from 1, 0 when all are.

    `winner` is the place of the subject that the rest gets, counted from 0; `arms` are what decided.
    """

    broadcast_id: int
    subjects: tuple[str, ...]
    terms: Terms
    part: int
    planned_through: int
    decide_at: datetime | None = None
    winner: int | None = None
    reason: str = ""
    arms: tuple[Arm, ...] = ()
    decided_at: datetime | None = None

    def phase(self, now: datetime) -> Phase:
        """Where it stands at `now`."""
        if self.winner is not None:
            return Phase.DECIDED
        if self.decide_at is None:
            return Phase.SAMPLING
        return Phase.DUE if now >= self.decide_at else Phase.WAITING

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "subjects": list(self.subjects),
            "rule": self.terms.rule.value,
            "share": self.terms.share,
            "margin": self.terms.margin,
            "decide_at": self.decide_at and self.decide_at.isoformat(),
            "decided_at": self.decided_at and self.decided_at.isoformat(),
            "winner": None if self.winner is None else self.subjects[self.winner],
            "reason": self.reason,
            "arms": [vars(arm) | {"rate": arm.rate} for arm in self.arms],
            "chance": self.chance,
        }

    @property
    def chance(self) -> float | None:
        """How probable a difference like that between the best two subjects is by mere chance."""
        if len(self.arms) < 2:
            return None
        best, second = sorted(self.arms, key=lambda arm: -arm.rate)[:2]
        return chance((best.responded, best.readers), (second.responded, second.readers))

    def sentence(self) -> str:
        """What is to be said of it to a person, times apart."""
        if self.winner is None:
            return "the subjects are being tested: the others get the issue under the better one"
        shares = ", ".join(f'"{arm.subject}" {arm.rate * 100:.1f} % of {arm.readers}' for arm in self.arms)
        sure = self.chance is not None and self.chance < _SURE
        doubt = "" if sure else "; so small a difference may be chance"
        return f'"{self.subjects[self.winner]}" won: {self.reason} ({shares}{doubt if self.arms else ""})'


def draw(broadcast_id: int, subscriber_id: _Number) -> _Number:
    """A number below 2^31-1 for a reader in a broadcast: always the same, and as good as drawn by lot.

    The same for a number and for a column of numbers, so that the database draws as this process would.
    """
    mixed = (subscriber_id * 48271 + (broadcast_id * 69621 + 1_234_567) % _PRIME) % _PRIME
    return (mixed * mixed + mixed * 16807) % _PRIME


def part_of(broadcast_id: int, subscriber_id: int, subjects: int, share: float) -> int:
    """The sample that a reader is in, counted from 1; 0 for the rest."""
    place = draw(broadcast_id, subscriber_id)
    edges = [_edge(part, subjects, share) for part in range(1, subjects + 1)]
    return next((part for part, edge in enumerate(edges, start=1) if place < edge), _REST)


def in_part(trial: Trial, part: int, subscriber_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a reader is in a sample, or for part 0 in none."""
    place = draw(trial.broadcast_id, cast(subscriber_id, BigInteger))
    count, share = len(trial.subjects), trial.terms.share
    if part == _REST:
        return place >= _edge(count, count, share)
    return and_(place >= _edge(part - 1, count, share), place < _edge(part, count, share))


def choose(arms: Sequence[Arm], margin: float, rule: Rule) -> tuple[int, str]:
    """The place of the subject that won, and why. The first one wins unless another is better by more than `margin`."""
    what = {Rule.CLICKS: "clicked", Rule.OPENS: "opened"}[rule]
    if not any(arm.responded for arm in arms):
        return 0, f"nobody {what} in time, so it is the first"
    best = max(range(len(arms)), key=lambda place: (arms[place].rate, -place))
    if best and arms[best].rate - arms[0].rate > margin:
        return best, f"more readers {what}"
    if best:
        return 0, f"none of the others was ahead by more than {margin * 100:g} points, so it is the first"
    return 0, f"more readers {what}" if arms[0].rate > max(
        arm.rate for arm in arms[1:]
    ) else "a tie, so it is the first"


def chance(one: tuple[int, int], other: tuple[int, int]) -> float:
    """How probable a difference at least this large is where in truth there is none; each is (how many, of whom).

    The two-sided test of two proportions with their pooled variance (for example NIST/SEMATECH e-Handbook of
    Statistical Methods, section 7.3.3); 1 where nothing can be said.
    """
    (hits, total), (other_hits, other_total) = one, other
    if not total or not other_total:
        return 1.0
    pooled = (hits + other_hits) / (total + other_total)
    spread = sqrt(pooled * (1 - pooled) * (1 / total + 1 / other_total))
    return erfc(abs(hits / total - other_hits / other_total) / spread / sqrt(2)) if spread else 1.0


def begin(connection: Connection, broadcast_id: int, subjects: Sequence[str], terms: Terms) -> None:
    """Write down, with the broadcast, that its subjects are tested on these terms."""
    values = {"rule": terms.rule, "share": terms.share, "wait_seconds": round(terms.wait.total_seconds())}
    values |= {"margin": terms.margin, "aside": terms.aside, "subjects": list(subjects), "part": 1}
    connection.execute(trials.insert(), values | {"broadcast_id": broadcast_id})


def trial_of(connection: Connection, broadcast_id: int) -> Trial | None:
    """The test of a broadcast's subjects; None where it has one subject."""
    row = connection.execute(select(trials).where(trials.c.broadcast_id == broadcast_id)).first()
    if row is None:
        return None
    terms = Terms(Rule(row.rule), row.share, timedelta(seconds=row.wait_seconds), row.margin, row.aside)
    arms = tuple(Arm(**arm) for arm in row.arms)
    places = row.part, row.planned_through, row.decide_at, row.winner, row.reason
    return Trial(broadcast_id, tuple(row.subjects), terms, *places, arms, row.decided_at)


def planned(connection: Connection, trial: Trial, through: int, *, whole: bool) -> bool:
    """Write down how far a sample is planned; whether there is more of the samples to plan."""
    part, done = (trial.part + 1, 0) if whole else (trial.part, through)
    part = _REST if part > len(trial.subjects) else part
    _change(connection, trial.broadcast_id, part=part, planned_through=done)
    return part != _REST


def wait(connection: Connection, broadcast_id: int, now: datetime) -> bool:
    """All samples are posted: from now on the time to answer passes. Whether it began just now."""
    trial = trial_of(connection, broadcast_id)
    if trial is None or trial.part != _REST or trial.decide_at is not None or trial.winner is not None:
        return False
    _change(connection, broadcast_id, decide_at=now + trial.terms.wait)
    return True


def settle(connection: Connection, broadcast_id: int, now: datetime) -> Trial | None:
    """Decide, if it is time and nobody did; the trial as it stands then.

    What counts is what was done up to the agreed moment, however late this is asked. The caller's transaction holds
    the reading and the decision together, and a second process finds it made.
    """
    trial = trial_of(connection, broadcast_id)
    if trial is None or trial.phase(now) != Phase.DUE:
        return trial
    arms = _arms(connection, trial)
    winner, reason = choose(arms, trial.terms.margin, trial.terms.rule)
    values = {"winner": winner, "reason": reason, "arms": [vars(arm) for arm in arms], "decided_at": now}
    connection.execute(
        update(trials).where(trials.c.broadcast_id == broadcast_id, trials.c.winner.is_(None)).values(values)
    )
    return trial_of(connection, broadcast_id)


def waiting(connection: Connection, now: datetime) -> set[int]:
    """The broadcasts that wait for their decision, and for nothing else."""
    query = select(trials.c.broadcast_id).where(trials.c.winner.is_(None), trials.c.decide_at > now)
    return set(connection.execute(query).scalars())


def _arms(connection: Connection, trial: Trial) -> tuple[Arm, ...]:
    have = and_(deliveries.c.broadcast_id == trial.broadcast_id, deliveries.c.sample > _REST)
    have &= deliveries.c.state.in_(_HAVE)
    counts = select(deliveries.c.sample, func.count()).where(have).group_by(deliveries.c.sample)
    readers: dict[int, int] = dict(connection.execute(counts).all())
    told = responses(EventKind.CLICKED if trial.terms.rule is Rule.CLICKS else EventKind.OPENED)
    whose = (told.c.broadcast_id == deliveries.c.broadcast_id) & (told.c.subscriber_id == deliveries.c.subscriber_id)
    in_time = and_(
        told.c.broadcast_id == trial.broadcast_id, told.c.machine.is_(False), told.c.occurred_at <= trial.decide_at
    )
    if trial.terms.aside:
        in_time &= ~told.c.link.startswith(trial.terms.aside, autoescape=True)
    successes = select(deliveries.c.sample, func.count(distinct(told.c.subscriber_id)))
    successes = successes.select_from(told.join(deliveries, whose)).where(in_time, have).group_by(deliveries.c.sample)
    responded: dict[int, int] = dict(connection.execute(successes).all())
    return tuple(
        Arm(subject, readers.get(sample, 0), responded.get(sample, 0))
        for sample, subject in enumerate(trial.subjects, start=1)
    )


def _change(connection: Connection, broadcast_id: int, **values: Any) -> None:
    connection.execute(update(trials).where(trials.c.broadcast_id == broadcast_id).values(values))


def _edge(part: int, subjects: int, share: float) -> int:
    """Where the draws of a sample end."""
    return round(_PRIME * share * part / subjects)
