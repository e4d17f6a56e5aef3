"""Who reads: counted, and read page by page for a broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Join, Select, case, func, select, update

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


# Why somebody must not be mailed, empty for who may be: for queries over `with_standing`. Who is erased is barred too.
BARRED: ColumnElement[str] = func.coalesce(
    suppressions.c.reason,
    case((subscribers.c.state == State.ACTIVE, ""), else_=func.coalesce(subscribers.c.state, "erased")),
).label("reason")


def with_standing(rows: FromClause, subscriber_id: ColumnElement[int]) -> Join:
    """`rows`, each joined to what is known now of the subscriber whose id it holds; nothing of one who is erased."""
    return _with_suppressions(rows.outerjoin(subscribers, subscribers.c.id == subscriber_id))


def count_by_state(connection: Connection) -> dict[str, int]:
    """How many subscribers are in each state; a state without any is not in it."""
    query = select(subscribers.c.state, func.count()).group_by(subscribers.c.state).order_by(subscribers.c.state)
    return dict(connection.execute(query).all())


def last_id(connection: Connection) -> int:
    """The id of who joined last, 0 for nobody: what freezes the audience of a broadcast."""
    return connection.execute(select(func.max(subscribers.c.id))).scalar() or 0


def page(after: int, through: int, segment: str, limit: int) -> Select[Any]:
    """Up to `limit` subscribers with `after` < id <= `through`, by id; all of them or those with the tag `segment`.

    A query of (id, email, email_key, name, reason); `reason` is why somebody must not be mailed, empty for who may be.
    """
    query = _members(segment).where(subscribers.c.id > after, subscribers.c.id <= through)
    return query.order_by(subscribers.c.id).limit(limit)


def count_audience(connection: Connection, segment: str) -> tuple[int, int]:
    """How many of the segment would be mailed now, and how many not."""
    inner = _members(segment).subquery()
    mailable = func.count().filter(inner.c.reason == "")
    row = connection.execute(select(func.count(), mailable).select_from(inner)).one()
    return row[1], row[0] - row[1]


def count_reasons(connection: Connection, segment: str) -> dict[str, int]:
    """Of the segment's members who must not be mailed, how many for each reason."""
    inner = _members(segment).subquery()
    query = select(inner.c.reason, func.count()).where(inner.c.reason != "").group_by(inner.c.reason)
    return {str(reason): count for reason, count in connection.execute(query)}


def count_nameless(connection: Connection, segment: str) -> int:
    """How many of those who would be mailed now gave no name."""
    inner = _members(segment).subquery()
    query = select(func.count()).select_from(inner).where(inner.c.reason == "", func.trim(inner.c.name) == "")
    return connection.execute(query).scalar_one()


def barred(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Those of `ids` who must not be mailed now, each with the reason."""
    query = select(subscribers.c.id, BARRED).select_from(_with_suppressions(subscribers))
    found = {row.id: row.reason for row in connection.execute(query.where(subscribers.c.id.in_(ids)))}
    return {number: reason for number in ids if (reason := found.get(number, "erased"))}


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
    columns = (subscribers.c.id, subscribers.c.email, subscribers.c.email_key, subscribers.c.name, BARRED)
    query = select(*columns).select_from(_with_suppressions(subscribers))
    if segment:
        tagged = select(subscriber_tags.c.subscriber_id).where(subscriber_tags.c.tag == segment)
        query = query.where(subscribers.c.id.in_(tagged))
    return query


def _with_suppressions(rows: FromClause) -> Join:
    return rows.outerjoin(suppressions, suppressions.c.email_key == subscribers.c.email_key)
