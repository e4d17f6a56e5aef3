"""Who reads: counted, and read page by page for a broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Join, Select, and_, case, func, or_, select, update

from newsletter.store.tables import broadcasts, deliveries, subscribers, suppressions

RHYTHMS = (7, 30)  # one issue in so many days, for who does not want each


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


def page(after: int, through: int, segment: str, limit: int, at: datetime | None = None) -> Select[Any]:
    """Up to `limit` subscribers with `after` < id <= `through`, by id; all of them or those of `segment`.

    A query of (id, email, email_key, name, measured, reason); `reason` is why somebody is not mailed, empty for who is.
    Whoever wants no issue at the moment `at` (a pause, one a week) is not; without `at` nobody is asked.
    """
    query = _members(segment, at).where(subscribers.c.id > after, subscribers.c.id <= through)
    return query.order_by(subscribers.c.id).limit(limit)


def count_audience(connection: Connection, segment: str, at: datetime | None = None) -> tuple[int, int]:
    """How many of the segment would be mailed at `at` (now), and how many not."""
    inner = _members(segment, at or datetime.now(UTC)).subquery()
    mailable = func.count().filter(inner.c.reason == "")
    row = connection.execute(select(func.count(), mailable).select_from(inner)).one()
    return row[1], row[0] - row[1]


def count_reasons(connection: Connection, segment: str) -> dict[str, int]:
    """Of the segment's members who must not be mailed, how many for each reason."""
    inner = _members(segment, datetime.now(UTC)).subquery()
    query = select(inner.c.reason, func.count()).where(inner.c.reason != "").group_by(inner.c.reason)
    return {str(reason): count for reason, count in connection.execute(query)}


def count_nameless(connection: Connection, segment: str) -> int:
    """How many of those who would be mailed now gave no name."""
    inner = _members(segment, datetime.now(UTC)).subquery()
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


def _members(segment: str, at: datetime | None) -> Select[Any]:
    from newsletter.audience.segments import compile_segment  # noqa: PLC0415 - most publications have none

    reason: ColumnElement[str] = BARRED
    if at is not None:
        reason = case((BARRED != "", BARRED), *_unwanted(at), else_="").label("reason")
    columns = (subscribers.c.id, subscribers.c.email, subscribers.c.email_key, subscribers.c.name)
    query = select(*columns, subscribers.c.measured, reason).select_from(_with_suppressions(subscribers))
    if segment.strip():
        query = query.where(compile_segment(segment, at or datetime.now(UTC)))
    return query


def _unwanted(at: datetime) -> list[tuple[ColumnElement[bool], str]]:
    """Why who may be mailed does not want to be at `at`: a pause, or fewer issues than there are."""
    fewer = [and_(subscribers.c.every_days == days, _got_one_since(at, days)) for days in RHYTHMS]
    return [(subscribers.c.paused_until > at, "paused"), (or_(*fewer), "less often")]


def _got_one_since(at: datetime, days: int) -> ColumnElement[bool]:
    """Half a day less than `days`: a slot that opens a minute earlier than the last one is no reason to skip it."""
    query = (
        select(deliveries.c.subscriber_id)
        .join(broadcasts, broadcasts.c.id == deliveries.c.broadcast_id)
        .where(deliveries.c.subscriber_id == subscribers.c.id, deliveries.c.state.not_in(["skipped", "rejected"]))
        .where(broadcasts.c.planned_at > at - timedelta(days=days - 0.5), broadcasts.c.planned_at < at)
    )
    return query.correlate(subscribers).exists()


def _with_suppressions(rows: FromClause) -> Join:
    return rows.outerjoin(suppressions, suppressions.c.email_key == subscribers.c.email_key)
