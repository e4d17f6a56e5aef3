"""After a restore: what was posted since the backup is not known, so nothing that is unfinished is posted by itself.

A key does not help here: who left in between is a reader again, so that the same batch may be another call, and the
provider would take it a second time. What settles a batch is the provider's own record (its events) or a person.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from newsletter.delivery.ledger import move_broadcast
from newsletter.delivery.planning import plan_page
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.states import BatchState, BroadcastState, DeliveryState
from newsletter.store.tables import batches, broadcasts, deliveries


def doubt_the_unfinished(connection: Connection, taken_at: datetime, now: datetime, size: int) -> list[Report]:
    """Pause every broadcast that the backup has unfinished, all its open batches in doubt; their reports.

    Readers who are in no batch yet are put into batches of `size`, since they may have the issue as well.
    """
    reason = f"restored from a backup of {taken_at:%Y-%m-%d %H:%M} UTC: what was posted since then is not known"
    open_ones = broadcasts.c.state.in_([BroadcastState.PLANNED, BroadcastState.SENDING, BroadcastState.PAUSED])
    found = list(connection.execute(select(broadcasts.c.id).where(open_ones).order_by(broadcasts.c.id)).scalars())
    for number in found:
        while plan_page(connection, number, size):
            pass
        _doubt(connection, number, reason)
        move_broadcast(connection, number, BroadcastState.PAUSED, reason=reason)
        here = update(broadcasts).where(broadcasts.c.id == number)
        connection.execute(here.values(restored_at=now, reason=reason))
    return [report_of(connection, number) for number in found]


def _doubt(connection: Connection, broadcast_id: int, reason: str) -> None:
    """Not one of the moves of a batch: what the backup says of it may be wrong by now."""
    opened = batches.c.state.in_([BatchState.PENDING, BatchState.POSTING])
    change = update(batches).where(batches.c.broadcast_id == broadcast_id, opened)
    values = {"state": BatchState.UNKNOWN, "owner": "", "lease_until": None, "error": reason}
    connection.execute(change.values(values))
    waiting = (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.state == DeliveryState.PENDING)
    connection.execute(update(deliveries).where(waiting).values(state=DeliveryState.UNKNOWN))
