"""Who came, who went, who stayed: counted from the subscribers and the consent log.

A reader's membership is a row of **spells**: it begins with a word of consent (confirmed, added, imported) and ends
when they leave, bounce or complain. Who came with a list has no line of their own in the log: their first spell begins
when they were written down. Who was never active (asked and did not confirm, imported as unsubscribed) has no spell.
The spells without an end are the active readers of today.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Subquery, and_, case, exists, func, literal, or_, select, union_all

from newsletter.audience.subscribers import State
from newsletter.stats.periods import Period, place_of
from newsletter.store.tables import consents, subscribers

COMING = ("confirmed", "added", "imported")
GOING = ("left", "bounced", "complained")
ASKING = "asked"


@dataclass(frozen=True)
class Spells:
    """So many spells of one kind. Numbers are those of periods, -1 is before all; `end` is None for who is still here.

    `cohort` is the period of the reader's first spell, `first` whether this is that one, `how` the way it ended.
    """

    cohort: int
    start: int
    end: int | None
    how: str
    first: bool
    count: int


@dataclass(frozen=True)
class Change:
    """One period: how many came and went in it, and how many were members at its end."""

    label: str
    joined: int
    left: int
    bounced: int
    complained: int
    members: int

    @property
    def net(self) -> int:
        """By how many the readers became more."""
        return self.joined - self.left - self.bounced - self.complained


@dataclass(frozen=True)
class Cohort:
    """Those who first joined in one month: how many, and how many of them were members at the end of it and of each
    month after it."""

    label: str
    size: int
    kept: tuple[int, ...]


def beginning(connection: Connection) -> datetime | None:
    """When the first subscriber of today was written down; None where there is nobody."""
    return connection.execute(select(func.min(subscribers.c.created_at))).scalar()


def count_spells(connection: Connection, among: Sequence[Period]) -> list[Spells]:
    """The spells of all readers, counted by the database: as many rows as there are kinds, however many readers."""
    words = _turns(_words())
    order = [words.c.at, words.c.id]
    rows = select(
        words.c.word,
        words.c.at,
        func.lead(words.c.at).over(partition_by=words.c.who, order_by=order).label("until"),
        func.lead(words.c.word).over(partition_by=words.c.who, order_by=order).label("how"),
        func.min(words.c.at).over(partition_by=words.c.who).label("since"),
        func.row_number().over(partition_by=words.c.who, order_by=order).label("number"),
    ).subquery()
    kind = (
        place_of(rows.c.since, among).label("cohort"),
        place_of(rows.c.at, among).label("start"),
        place_of(rows.c.until, among).label("stop"),
        func.coalesce(rows.c.how, "").label("how"),
        case((rows.c.number == 1, 1), else_=0).label("first"),
    )
    kinds = select(*kind).where(rows.c.word == "in").subquery()
    query = select(*kinds.c, func.count()).group_by(*kinds.c)
    rows_found: Iterable[Any] = connection.execute(query)
    return [
        Spells(cohort, start, stop, how, bool(first), count) for cohort, start, stop, how, first, count in rows_found
    ]


def growth(spells: Sequence[Spells], among: Sequence[Period]) -> tuple[Change, ...]:
    """What changed in each period."""
    members = _here(spells, -1)
    changes = []
    for number, period in enumerate(among):
        ended = {how: sum(s.count for s in spells if s.end == number and s.how == how) for how in GOING}
        joined = sum(s.count for s in spells if s.start == number)
        members += joined - sum(ended.values())
        changes.append(Change(period.label, joined, ended["left"], ended["bounced"], ended["complained"], members))
    return tuple(changes)


def cohorts(spells: Sequence[Spells], among: Sequence[Period]) -> tuple[Cohort, ...]:
    """Of those who joined in each of the periods, who stayed; periods in which nobody joined are left out."""
    found = []
    for number, period in enumerate(among):
        mine = [s for s in spells if s.cohort == number]
        size = sum(s.count for s in mine if s.first)
        if size:
            found.append(Cohort(period.label, size, tuple(_here(mine, at) for at in range(number, len(among)))))
    return tuple(found)


def _here(spells: Sequence[Spells], at: int) -> int:
    """How many were members at the end of a period."""
    return sum(s.count for s in spells if s.start <= at and (s.end is None or s.end > at))


def _words() -> Subquery:
    """(who, at, id, word): each reader's words that begin (`in`) or end a spell, the unlogged included."""
    word = case((consents.c.action.in_(COMING), "in"), else_=consents.c.action)
    logged = select(
        consents.c.subscriber_id.label("who"), consents.c.at.label("at"), consents.c.id.label("id"), word.label("word")
    ).where(consents.c.action.in_([*COMING, *GOING]))
    mine = consents.c.subscriber_id == subscribers.c.id
    first = (
        select(consents.c.action)
        .where(mine, consents.c.action.in_([*COMING, *GOING]))
        .order_by(consents.c.at, consents.c.id)
        .limit(1)
        .correlate(subscribers)
        .scalar_subquery()
    )
    # Who asked was written down at that moment, and was no member yet; who came with a list may ask later.
    by_asking = exists().where(mine, consents.c.action == ASKING, consents.c.at <= subscribers.c.created_at)
    listed = or_(
        and_(first.is_(None), subscribers.c.state == State.ACTIVE),
        and_(first.in_(GOING), ~by_asking),
    )
    unlogged = select(subscribers.c.id, subscribers.c.created_at, literal(0), literal("in")).where(listed)
    return union_all(logged, unlogged).subquery()


def _turns(words: Subquery) -> Subquery:
    """Only the words that change anything: who is out cannot leave, and who is in cannot come."""
    inside = case((words.c.word == "in", 1), else_=0)
    before = func.lag(inside).over(partition_by=words.c.who, order_by=[words.c.at, words.c.id])
    rows = select(*words.c, inside.label("inside"), func.coalesce(before, 0).label("before")).subquery()
    return select(rows.c.who, rows.c.at, rows.c.id, rows.c.word).where(rows.c.inside != rows.c.before).subquery()
