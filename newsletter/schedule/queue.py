"""The queue: approved issues, each with its frozen edition, in the order in which slots take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from newsletter.errors import SafetyError, UsageError
from newsletter.schedule.slots import Slot
from newsletter.store.tables import broadcasts, doubts, editions, queue


@dataclass(frozen=True)
class Approved:
    """An approved issue. `pinned_to` is a wall time `YYYY-MM-DD[THH:MM]` or empty, `not_before` a date or empty.

    `moved`: a person gave it its place. `relation` is `got` or `missed` where it is only for those who got or missed
    the issue `related_to`.
    """

    slug: str
    digest: str
    source_digest: str
    position: int
    held: bool
    segment: str
    pinned_to: str
    not_before: str
    approved_at: datetime
    approved_by: str
    number: int | None = None
    moved: bool = False
    relation: str = ""
    related_to: str = ""

    @property
    def order(self) -> tuple[bool, int, str]:
        """What issues are queued by: number, then date; those without come last."""
        return self.number is None, self.number or 0, self.not_before or "9999"


def approve(
    connection: Connection,
    *,
    edition: Mapping[str, Any],
    source_digest: str,
    segment: str,
    pinned_to: str,
    not_before: str,
    findings: Sequence[Mapping[str, Any]],
    by: str,
    now: datetime,
    number: int | None = None,
    relation: str = "",
    related_to: str = "",
) -> None:
    """Keep the edition (its `as_json`) for good and queue the issue by number and date, or leave it in its place.

    One that may have been sent after a backup was taken is held, for a person to release. Raises SafetyError where the
    issue was sent or is being sent.
    """
    slug, digest = edition["slug"], edition["digest"]
    if connection.execute(select(broadcasts.c.id).where(broadcasts.c.slug == slug)).first():
        raise SafetyError(f'the issue "{slug}" has its broadcast already', "see: newsletter status")
    keep_edition(connection, edition, now)
    values = {
        "digest": digest,
        "source_digest": source_digest,
        "segment": segment,
        "pinned_to": pinned_to,
        "not_before": not_before,
        "approved_at": now,
        "approved_by": by,
        "findings": list(findings),
        "number": number,
        "relation": relation,
        "related_to": related_to,
    }
    if not connection.execute(update(queue).where(queue.c.slug == slug).values(values)).rowcount:
        last = connection.execute(select(func.max(queue.c.position))).scalar() or 0
        held = in_doubt(connection, slug)
        connection.execute(queue.insert(), values | {"slug": slug, "position": last + 1, "held": held})
        _put_in_order(connection, slug)


def keep_edition(connection: Connection, edition: Mapping[str, Any], now: datetime) -> None:
    """Store an edition (its `as_json`) for good; one that is there stays as it is."""
    slug, digest = edition["slug"], edition["digest"]
    if not connection.execute(select(editions.c.digest).where(editions.c.digest == digest)).first():
        content = json.dumps(edition, ensure_ascii=False, sort_keys=True)
        connection.execute(editions.insert(), {"digest": digest, "slug": slug, "content": content, "created_at": now})


def remove(connection: Connection, slug: str) -> bool:
    """Take an issue out of the queue; whether it was in."""
    return connection.execute(delete(queue).where(queue.c.slug == slug)).rowcount > 0


def hold(connection: Connection, slug: str, *, held: bool) -> None:
    """Keep an issue from being sent, or let it go again. Raises UsageError where it is not in the queue."""
    if not connection.execute(update(queue).where(queue.c.slug == slug).values(held=held)).rowcount:
        raise UsageError(f'"{slug}" is not in the queue', "see: newsletter queue list")
    if not held:
        connection.execute(delete(doubts).where(doubts.c.slug == slug))


def in_doubt(connection: Connection, slug: str) -> bool:
    """Whether the issue may have been sent between a backup and its restoring, and no person has said since."""
    return connection.execute(select(doubts.c.slug).where(doubts.c.slug == slug)).first() is not None


def put_in_doubt(connection: Connection, slugs: Iterable[str], now: datetime) -> None:
    """After a restore: these issues, and all of the queue, may have been sent; each waits for a person's release."""
    sent = set(connection.execute(select(broadcasts.c.slug)).scalars())
    waiting = set(connection.execute(select(queue.c.slug)).scalars())
    known = set(connection.execute(select(doubts.c.slug)).scalars())
    new = sorted((set(slugs) - sent | waiting) - known)
    if new:
        connection.execute(doubts.insert(), [{"slug": slug, "since": now} for slug in new])
    connection.execute(update(queue).values(held=True))


def move(connection: Connection, slug: str, to: int) -> None:
    """Bring an issue to the place `to` (from 1) of the queue. Raises UsageError where it is not in the queue."""
    slugs = [row.slug for row in connection.execute(select(queue.c.slug).order_by(queue.c.position))]
    if slug not in slugs:
        raise UsageError(f'"{slug}" is not in the queue', "see: newsletter queue list")
    slugs.remove(slug)
    slugs.insert(max(0, to - 1), slug)
    _renumber(connection, slugs)
    connection.execute(update(queue).where(queue.c.slug == slug).values(moved=True))


def _put_in_order(connection: Connection, slug: str) -> None:
    """Bring a newcomer, who stands last, behind those that come before it by number and date.

    Where none does, it goes before the others, but never before one that a person moved.
    """
    *others, new = approved(connection)
    slugs = [issue.slug for issue in others]
    slugs.insert(place_of(new, others), slug)
    _renumber(connection, slugs)


def place_of(new: Approved, others: Sequence[Approved]) -> int:
    """How many of `others`, which wait in this order, stand before a newcomer."""
    before = [place for place, issue in enumerate(others, start=1) if issue.order <= new.order or issue.moved]
    return before[-1] if before else 0


def _renumber(connection: Connection, slugs: Iterable[str]) -> None:
    for position, name in enumerate(slugs, start=1):
        connection.execute(update(queue).where(queue.c.slug == name).values(position=position))


def approved(connection: Connection) -> list[Approved]:
    """All of the queue, in its order."""
    columns = [queue.c[name] for name in Approved.__dataclass_fields__]
    return [Approved(*row) for row in connection.execute(select(*columns).order_by(queue.c.position))]


def read_edition(connection: Connection, digest: str) -> dict[str, Any]:
    """The edition that was approved, as `Edition.from_json` takes it."""
    content = connection.execute(select(editions.c.content).where(editions.c.digest == digest)).scalar_one()
    edition: dict[str, Any] = json.loads(content)
    return edition


def obstacle(issue: Approved, slot: Slot, approve_by: timedelta | None = None) -> str:
    """Why this issue may not go out in this slot; empty where it may. `approve_by` is how long before it at least."""
    day = slot.wall.date().isoformat()
    if issue.held:
        return "it is held"
    if issue.pinned_to and issue.pinned_to not in (day, slot.wall_time):
        return f"it is pinned to {issue.pinned_to}"
    if issue.not_before > day:
        return f"its date is {date.fromisoformat(issue.not_before):%A %Y-%m-%d}"
    if approve_by is not None and issue.approved_at > slot.starts_at - approve_by:
        at = issue.approved_at.astimezone(slot.local.tzinfo)
        until = (slot.starts_at - approve_by).astimezone(slot.local.tzinfo)
        return f"it was approved at {at:%Y-%m-%d %H:%M}, after [schedule] approve_by ({until:%Y-%m-%d %H:%M})"
    return ""


def in_turn(issues: Iterable[Approved], slot: Slot, approve_by: timedelta | None = None) -> list[Approved]:
    """The issues that may go out in this slot, the one whose turn it is first.

    That is the one pinned to it, then the one with this date, then each in its place; but none passes an issue that a
    person moved.
    """
    day, moved = slot.wall.date().isoformat(), 0
    keyed: list[tuple[bool, int, bool, int, Approved]] = []
    for issue in sorted(issues, key=lambda issue: issue.position):
        if not obstacle(issue, slot, approve_by):
            moved += issue.moved  # behind each issue that was moved, the others are in order among themselves
            stays = issue.moved or bool(issue.pinned_to) or issue.not_before == day
            keyed.append((not issue.pinned_to, moved, not stays, issue.position, issue))
    return [issue for *_, issue in sorted(keyed, key=lambda entry: entry[:-1])]
