"""The kill switch: one row in the database, which every sender on every machine asks for before each call."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update

from newsletter.delivery.states import BroadcastState
from newsletter.store.tables import broadcasts, switches

STOPPED = "stopped by hand; newsletter resume goes on"  # the reason of a broadcast that the switch paused
_NAME = "stop"
_ASK = select(switches.c.since).where(switches.c.name == _NAME)


class Stopped(NamedTuple):
    """Since when nothing is posted, and why, in the words of who said so."""

    since: datetime
    reason: str


def is_stopped(connection: Connection) -> bool:
    """Whether nobody may post."""
    return connection.execute(_ASK).first() is not None


def stopped(connection: Connection) -> Stopped | None:
    """Since when and why nobody may post; None where everybody may."""
    row = connection.execute(select(switches).where(switches.c.name == _NAME)).first()
    return Stopped(row.since, row.reason) if row else None


def stop(connection: Connection, reason: str, now: datetime) -> bool:
    """Let nobody begin another call; False where it is so already, and the first reason stays."""
    if is_stopped(connection):
        return False
    connection.execute(switches.insert(), {"name": _NAME, "reason": reason, "since": now})
    return True


def resume(connection: Connection) -> tuple[bool, list[str]]:
    """Let everybody post again: whether that was needed, and the issues whose broadcasts the switch had paused.

    These are `sending` again, so that the next pass of the scheduler goes on with them. What paused for another reason
    stays so.
    """
    lifted = connection.execute(delete(switches).where(switches.c.name == _NAME)).rowcount > 0
    paused = (broadcasts.c.state == BroadcastState.PAUSED) & (broadcasts.c.reason == STOPPED)
    slugs = list(connection.execute(select(broadcasts.c.slug).where(paused).order_by(broadcasts.c.id)).scalars())
    connection.execute(update(broadcasts).where(paused).values(state=BroadcastState.SENDING, reason=""))
    return lifted, slugs
