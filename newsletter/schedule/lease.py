"""Of several schedulers one works and the others stand by; each leaves a sign of life.

The lease saves work and calls at the provider. That nothing is sent twice does not hang on it but on unique keys: two
schedulers that both believe to hold it, since a clock jumped or a machine slept, still open a slot once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy import Connection, delete, or_, select, update

from newsletter.errors import NewsletterError
from newsletter.store.database import Store
from newsletter.store.tables import heartbeats, leases

LEASE = timedelta(minutes=3)  # for so long after its last sign of life a scheduler is believed to live
_BEAT = 30.0  # seconds between two signs of life during a long pass
_KEPT = timedelta(days=7)
_NAME = "scheduler"


@dataclass(frozen=True)
class Scheduler:
    """One scheduler's process. `is_gone` tells of another one's name whether that process is known to be dead."""

    owner: str
    host: str
    started_at: datetime
    is_gone: Callable[[str], bool]


def take(connection: Connection, me: Scheduler, now: datetime) -> str:
    """Take or renew the lease; empty where this scheduler has it now, else the name of the one that has."""
    holder = connection.execute(select(leases.c.owner).where(leases.c.name == _NAME)).scalar() or ""
    free = or_(
        leases.c.owner.in_(["", me.owner, *([holder] if holder and me.is_gone(holder) else [])]),
        leases.c.until.is_(None),
        leases.c.until < now,
        leases.c.until > now + 2 * LEASE,  # nobody takes it for so long: a clock was wrong
    )
    mine = update(leases).where(leases.c.name == _NAME, free).values(owner=me.owner, until=now + LEASE)
    if connection.execute(mine).rowcount:
        return ""
    return str(connection.execute(select(leases.c.owner).where(leases.c.name == _NAME)).scalar_one())


def release(connection: Connection, me: Scheduler) -> None:
    """Give the lease back, where this scheduler has it, and take the sign of life away."""
    mine = update(leases).where(leases.c.name == _NAME, leases.c.owner == me.owner)
    connection.execute(mine.values(owner="", until=None))
    connection.execute(delete(heartbeats).where(heartbeats.c.owner == me.owner))


def beat(connection: Connection, me: Scheduler, now: datetime, line: str = "") -> None:
    """Leave a sign of life, with what was said last; those of the dead are cleared away after a week."""
    seen = {"seen_at": now} | ({"line": line} if line else {})
    if not connection.execute(update(heartbeats).where(heartbeats.c.owner == me.owner).values(seen)).rowcount:
        row = {"owner": me.owner, "host": me.host, "started_at": me.started_at, "line": line}
        connection.execute(heartbeats.insert().values(row | {"seen_at": now}))
    connection.execute(delete(heartbeats).where(heartbeats.c.seen_at < now - _KEPT))


@contextmanager
def held(store: Store, me: Scheduler, now: Callable[[], datetime]) -> Iterator[str]:
    """The lease for the time of a pass, renewed while it lasts; gives the name of another scheduler that has it."""
    with store.transaction() as connection:
        other = take(connection, me, now())
        beat(connection, me, now())
    if other:
        yield other
        return
    done = Event()

    def renew() -> None:
        while not done.wait(_BEAT):
            with suppress(NewsletterError), store.transaction() as connection:  # the next one comes soon
                take(connection, me, now())
                beat(connection, me, now())

    thread = Thread(target=renew, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield ""
    finally:
        done.set()
        thread.join()
