"""The waves of a broadcast whose readers get it at their own time: which have begun, and which are to come.

A batch belongs to one wave. It is `waiting` until the wave begins, and nobody posts it before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, select, true, update

from newsletter.delivery.states import BatchState, BroadcastState, DeliveryState
from newsletter.schedule.passes import Due
from newsletter.schedule.slots import Slot
from newsletter.schedule.waves import Wave
from newsletter.store.tables import batches, broadcasts, deliveries

MISSED = "the wave was missed"
_OPEN = (BatchState.PENDING, BatchState.POSTING, BatchState.UNKNOWN)
_SENT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED, DeliveryState.COMPLAINED)


def waves_of_broadcast(connection: Connection, broadcast_id: int) -> list[Wave]:
    """The waves in their order, with their readers (the skipped of a missed one among them)."""
    joined = batches.join(deliveries, _same_batch())
    sent = func.count().filter(deliveries.c.state.in_(_SENT))
    states = (BatchState.PENDING, BatchState.POSTING, BatchState.UNKNOWN)
    columns = (
        func.count(),
        sent,
        func.count().filter(batches.c.waiting.is_(true())),
        func.count().filter(batches.c.state.in_(states)),
        func.count().filter(batches.c.error == MISSED),
    )
    query = select(batches.c.wave_at, batches.c.wave, *columns).select_from(joined)
    query = query.where(batches.c.broadcast_id == broadcast_id, batches.c.wave_at.is_not(None))
    rows = connection.execute(query.group_by(batches.c.wave_at, batches.c.wave).order_by(batches.c.wave_at))
    return [Wave(at, zone, count, _state(*rest), taken) for at, zone, count, taken, *rest in rows]


def due(connection: Connection, now: datetime) -> list[Due]:
    """The waves that nobody has begun though their time has come, of all broadcasts that are under way."""
    joined = batches.join(broadcasts, broadcasts.c.id == batches.c.broadcast_id).join(deliveries, _same_batch())
    columns = (broadcasts.c.id, broadcasts.c.slug, broadcasts.c.wall_time, batches.c.wave_at, batches.c.wave)
    query = select(*columns, func.count()).select_from(joined)
    query = query.where(broadcasts.c.state.in_([BroadcastState.PLANNED, BroadcastState.SENDING]))
    query = query.where(broadcasts.c.wall_time != "", batches.c.waiting.is_(true()), batches.c.wave_at <= now)
    rows = connection.execute(query.group_by(*columns).order_by(batches.c.wave_at, broadcasts.c.id))
    return [
        Due(number, slug, Slot(at, datetime.fromisoformat(wall), zone), count)
        for number, slug, wall, at, zone, count in rows
    ]


def begin(connection: Connection, broadcast_id: int, now: datetime, *, after: datetime | None = None) -> None:
    """Let the waves whose time has come be posted; with `after` only those whose time came since."""
    here = _waiting(broadcast_id) & (batches.c.wave_at <= now)
    here = here if after is None else here & (batches.c.wave_at > after)
    connection.execute(update(batches).where(here).values(waiting=False))


def miss(connection: Connection, broadcast_id: int, at: datetime, now: datetime) -> None:
    """Give up a wave that nobody began in time: its readers are skipped."""
    here = _waiting(broadcast_id) & (batches.c.wave_at == at) & (batches.c.state == BatchState.PENDING)
    numbers = list(connection.execute(select(batches.c.number).where(here)).scalars())
    end = {"state": BatchState.REJECTED, "waiting": False, "error": MISSED, "settled_at": now}
    connection.execute(update(batches).where(here).values(end))
    for page in _pages(numbers):
        theirs = (deliveries.c.broadcast_id == broadcast_id) & deliveries.c.batch_number.in_(page)
        theirs &= deliveries.c.state == DeliveryState.PENDING
        connection.execute(update(deliveries).where(theirs).values(state=DeliveryState.SKIPPED, reason=MISSED))


def next_at(connection: Connection, broadcast_id: int, now: datetime) -> datetime | None:
    """When the next wave begins; None where there is none."""
    later = _waiting(broadcast_id) & (batches.c.wave_at > now)
    return connection.execute(select(func.min(batches.c.wave_at)).where(later)).scalar()


def rests(connection: Connection, broadcast_id: int) -> bool:
    """Whether all that is left of a broadcast are waves that have not begun."""
    begun = exists().where(
        batches.c.broadcast_id == broadcast_id, batches.c.waiting.is_(false()), batches.c.state.in_(_OPEN)
    )
    planned = broadcasts.c.planned_through >= broadcasts.c.audience_through
    query = select(planned & exists().where(_waiting(broadcast_id)) & ~begun)
    return bool(connection.execute(query.where(broadcasts.c.id == broadcast_id)).scalar())


def _waiting(broadcast_id: int) -> ColumnElement[bool]:
    return and_(batches.c.broadcast_id == broadcast_id, batches.c.waiting.is_(true()))


def _same_batch() -> ColumnElement[bool]:
    return and_(deliveries.c.broadcast_id == batches.c.broadcast_id, deliveries.c.batch_number == batches.c.number)


def _state(waiting: int, unsettled: int, missed: int) -> str:
    return "waiting" if waiting else "begun" if unsettled else "missed" if missed else "done"


def _pages(numbers: Sequence[int], size: int = 500) -> list[Sequence[int]]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]
