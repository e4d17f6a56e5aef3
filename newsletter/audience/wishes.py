"""What people asked for on public pages and a mail has to answer: stored first, answered after.

The page answers as soon as the wish is stored, which is the same work for every address: neither its words nor its
time tell whether the address is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, select, update

from newsletter.store.tables import wishes


class Kind(StrEnum):
    """What a mail is to answer."""

    JOIN = "join"  # a sign-up: the mail asks to confirm it
    LEAVE = "leave"  # a lost unsubscribe link: the mail brings one
    MOVE = "move"  # another address: the mail, to the new one, asks to confirm it


@dataclass(frozen=True)
class Wish:
    """One of them. `tries` counts the attempts to answer it that were begun."""

    id: int
    kind: Kind
    email: str
    detail: dict[str, Any]
    tries: int
    created_at: datetime
    due_at: datetime


def store_wish(connection: Connection, kind: Kind, email: str, now: datetime, **detail: Any) -> None:
    """Remember what somebody asked for."""
    row = {"kind": kind, "email": email, "detail": detail, "tries": 0, "created_at": now, "due_at": now}
    connection.execute(wishes.insert(), row)


def due_wishes(connection: Connection, now: datetime, limit: int) -> list[Wish]:
    """Up to `limit` wishes that are due, the oldest first."""
    query = select(wishes).where(wishes.c.due_at <= now).order_by(wishes.c.id).limit(limit)
    rows = connection.execute(query).all()
    return [Wish(row.id, Kind(row.kind), row.email, row.detail, row.tries, row.created_at, row.due_at) for row in rows]


def claim(connection: Connection, wish: Wish, until: datetime) -> bool:
    """Take a wish in hand until then, as one more try; false where another process has it, or has fulfilled it.

    A process that dies with it leaves it to be answered later, under the same idempotency key.
    """
    mine = (wishes.c.id == wish.id) & (wishes.c.due_at == wish.due_at)
    return connection.execute(update(wishes).where(mine).values(due_at=until, tries=wish.tries + 1)).rowcount == 1


def try_later(connection: Connection, wish: Wish, due_at: datetime) -> None:
    """Answer a wish again at `due_at`."""
    connection.execute(update(wishes).where(wishes.c.id == wish.id).values(due_at=due_at))


def fulfil(connection: Connection, wish: Wish) -> None:
    """The wish is answered, or never will be."""
    connection.execute(delete(wishes).where(wishes.c.id == wish.id))
