"""The queue: approved issues, each with its frozen edition, in the order in which slots take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from newsletter.errors import SafetyError, UsageError
from newsletter.schedule.slots import Slot
from newsletter.store.tables import broadcasts, editions, queue


@dataclass(frozen=True)
class Approved:
    """An approved issue. `pinned_to` is a wall time `YYYY-MM-DD[THH:MM]` or empty, `not_before` a date or empty."""

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
) -> None:
    """Keep the edition (its `as_json`) for good and put the issue at the end of the queue, or in the place it has.

    Raises SafetyError where the issue was sent or is being sent.
    """
    slug, digest = edition["slug"], edition["digest"]
    if connection.execute(select(broadcasts.c.id).where(broadcasts.c.slug == slug)).first():
        raise SafetyError(f'the issue "{slug}" has its broadcast already', "see: newsletter status")
    if not connection.execute(select(editions.c.digest).where(editions.c.digest == digest)).first():
        content = json.dumps(edition, ensure_ascii=False, sort_keys=True)
        connection.execute(editions.insert(), {"digest": digest, "slug": slug, "content": content, "created_at": now})
    values = {
        "digest": digest,
        "source_digest": source_digest,
        "segment": segment,
        "pinned_to": pinned_to,
        "not_before": not_before,
        "approved_at": now,
        "approved_by": by,
        "findings": list(findings),
    }
    if not connection.execute(update(queue).where(queue.c.slug == slug).values(values)).rowcount:
        last = connection.execute(select(func.max(queue.c.position))).scalar() or 0
        connection.execute(queue.insert(), values | {"slug": slug, "position": last + 1})


def remove(connection: Connection, slug: str) -> bool:
    """Take an issue out of the queue; whether it was in."""
    return connection.execute(delete(queue).where(queue.c.slug == slug)).rowcount > 0


def hold(connection: Connection, slug: str, *, held: bool) -> None:
    """Keep an issue from being sent, or let it go again. Raises UsageError where it is not in the queue."""
    if not connection.execute(update(queue).where(queue.c.slug == slug).values(held=held)).rowcount:
        raise UsageError(f'"{slug}" is not in the queue', "see: newsletter queue list")


def move(connection: Connection, slug: str, to: int) -> None:
    """Bring an issue to the place `to` (from 1) of the queue. Raises UsageError where it is not in the queue."""
    slugs = [row.slug for row in connection.execute(select(queue.c.slug).order_by(queue.c.position))]
    if slug not in slugs:
        raise UsageError(f'"{slug}" is not in the queue', "see: newsletter queue list")
    slugs.remove(slug)
    slugs.insert(max(0, to - 1), slug)
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


def obstacle(issue: Approved, slot: Slot) -> str:
    """Why this issue may not go out in this slot; empty where it may."""
    day = slot.wall.date().isoformat()
    if issue.held:
        return "it is held"
    if issue.pinned_to and issue.pinned_to not in (day, slot.wall_time):
        return f"it is pinned to {issue.pinned_to}"
    if issue.not_before > day:
        return f"its date is {date.fromisoformat(issue.not_before):%A %Y-%m-%d}"
    return ""


def in_turn(issues: Iterable[Approved], slot: Slot) -> list[Approved]:
    """The issues that may go out in this slot, the one whose turn it is first: pinned to it, then by place."""
    fitting = [issue for issue in issues if not obstacle(issue, slot)]
    return sorted(fitting, key=lambda issue: (not issue.pinned_to, issue.position))
