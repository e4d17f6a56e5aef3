"""How fast a broadcast got there: how many readers had it, and had clicked, so long after it was begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select

from newsletter.delivery.protocol import EventKind
from newsletter.delivery.responses import responses
from newsletter.stats.funnel import TAKEN, Funnel
from newsletter.store.tables import batches, deliveries

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STEPS = (
    ("1 min", _MINUTE),
    ("5 min", 5 * _MINUTE),
    ("15 min", 15 * _MINUTE),
    ("30 min", 30 * _MINUTE),
    ("1 h", _HOUR),
    ("2 h", 2 * _HOUR),
    ("4 h", 4 * _HOUR),
    ("8 h", 8 * _HOUR),
    ("1 day", _DAY),
    ("2 days", 2 * _DAY),
    ("4 days", 4 * _DAY),
    ("7 days", 7 * _DAY),
)


@dataclass(frozen=True)
class Reached:
    """So long after the broadcast was begun: readers that the provider had taken, that had it, that had clicked.

    None where it is not measured, or not that long ago.
    """

    after: str
    accepted: int | None
    delivered: int | None
    clicked: int | None


def time_curve(connection: Connection, funnel: Funnel, now: datetime) -> tuple[Reached, ...]:
    """The curve of one broadcast; moments that are still to come are left out."""
    steps = [(name, funnel.at + span) for name, span in STEPS if funnel.at + span <= now]
    if not steps:
        return ()
    moments = [moment for _, moment in steps]
    accepted: Sequence[int | None] = _accepted(connection, funnel.id, moments)
    none = [None] * len(moments)
    delivered = none if funnel.delivered is None else _first(connection, EventKind.DELIVERED, funnel.id, moments)
    clicked = none if funnel.clicked is None else _first(connection, EventKind.CLICKED, funnel.id, moments)
    return tuple(
        Reached(name, *values)
        for (name, _), values in zip(steps, zip(accepted, delivered, clicked, strict=True), strict=True)
    )


def _accepted(connection: Connection, number: int, moments: Sequence[datetime]) -> list[int]:
    """By the moment when the batch's answer was written down."""
    here = (batches.c.broadcast_id == deliveries.c.broadcast_id) & (batches.c.number == deliveries.c.batch_number)
    query = select(*_until(batches.c.settled_at, moments)).select_from(deliveries.join(batches, here))
    where = (deliveries.c.broadcast_id == number) & deliveries.c.state.in_(TAKEN)
    return list(connection.execute(query.where(where)).one())


def _first(connection: Connection, kind: EventKind, number: int, moments: Sequence[datetime]) -> list[int]:
    """By each reader's first event of a kind."""
    told = responses(kind)
    mine = (told.c.broadcast_id == number) & told.c.subscriber_id.is_not(None) & told.c.machine.is_(False)
    first = select(func.min(told.c.occurred_at).label("at")).where(mine).group_by(told.c.subscriber_id).subquery()
    return list(connection.execute(select(*_until(first.c.at, moments))).one())


def _until(at: ColumnElement[datetime], moments: Sequence[datetime]) -> list[ColumnElement[int]]:
    return [func.count().filter(at <= moment) for moment in moments]
