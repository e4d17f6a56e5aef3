"""Who reads: counted, and read page by page for a broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Join, Select, func, select, update

from newsletter.store.tables import subscriber_tags, subscribers, suppressions


class State(StrEnum):
    """The consent of a subscriber, each state heavier than the one before it; only `active` is mailed."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"

    @property
    def weight(self) -> int:
        """Consent moves up this order by itself, and down only by the reader's own word."""
        return list(State).index(self)


@dataclass(frozen=True)
class Member:
    """A subscriber as a broadcast sees them; `reason` says why they must not be mailed, empty for who may be."""

    id: int
    email: str
    email_key: str
    name: str
    reason: str


STANDING = (subscribers.c.state, suppressions.c.reason)  # what `barred` is asked with, in a query `with_standing`


def with_standing(rows: FromClause, subscriber_id: ColumnElement[int]) -> Join:
    """`rows`, each joined to what is known now of the subscriber whose id it holds; nothing of one who is erased."""
    joined = rows.outerjoin(subscribers, subscribers.c.id == subscriber_id)
    return joined.outerjoin(suppressions, suppressions.c.email_key == subscribers.c.email_key)


def barred(state: str | None, suppressed: str | None) -> str:
    """Why somebody of this standing must not be mailed; empty for who may be. Who is erased is barred too."""
    return suppressed or ("" if state == State.ACTIVE else state or "erased")


def count_by_state(connection: Connection) -> dict[str, int]:
    """How many subscribers are in each state; a state without any is not in it."""
    query = select(subscribers.c.state, func.count()).group_by(subscribers.c.state).order_by(subscribers.c.state)
    return dict(connection.execute(query).all())


def last_id(connection: Connection) -> int:
    """The id of who joined last, 0 for nobody: what freezes the audience of a broadcast."""
    return connection.execute(select(func.max(subscribers.c.id))).scalar() or 0


def page(connection: Connection, after: int, through: int, segment: str, limit: int) -> list[Member]:
    """Up to `limit` subscribers with `after` < id <= `through`, by id; all of them or those with the tag `segment`."""
    query = _members(segment).where(subscribers.c.id > after, subscribers.c.id <= through)
    rows = connection.execute(query.order_by(subscribers.c.id).limit(limit)).all()
    return [_member(row) for row in rows]


def count_audience(connection: Connection, segment: str) -> tuple[int, int]:
    """How many of the segment would be mailed now, and how many not."""
    inner = _members(segment).subquery()
    mailable = (inner.c.state == State.ACTIVE) & inner.c.reason.is_(None)
    row = connection.execute(select(func.count(), func.count().filter(mailable)).select_from(inner)).one()
    return row[1], row[0] - row[1]


def leave(connection: Connection, subscriber_id: int, state: State, now: datetime) -> bool:
    """Put a subscriber into a state that is not mailed; whether that changed anything.

    A complaint outweighs a bounce, a bounce an unsubscription: an earlier, heavier state stays.
    """
    lighter = [other for other in State if other.weight < state.weight]
    change = (
        update(subscribers)
        .where(subscribers.c.id == subscriber_id, subscribers.c.state.in_(lighter))
        .values(state=state, changed_at=now)
    )
    return connection.execute(change).rowcount > 0


def _members(segment: str) -> Select[Any]:
    columns = (subscribers.c.id, subscribers.c.email, subscribers.c.email_key, subscribers.c.name, subscribers.c.state)
    blocked = suppressions.c.email_key == subscribers.c.email_key
    query = select(*columns, suppressions.c.reason).select_from(subscribers.outerjoin(suppressions, blocked))
    if segment:
        tagged = select(subscriber_tags.c.subscriber_id).where(subscriber_tags.c.tag == segment)
        query = query.where(subscribers.c.id.in_(tagged))
    return query


def _member(row: Sequence[Any]) -> Member:
    number, email, key, name, state, suppressed = row
    return Member(number, email, key, name, barred(state, suppressed))
