"""What will happen: which issue goes out in which slot if nobody changes anything, and what became of those before.

All of it is worked out by what the scheduler itself asks, so that the page cannot promise anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from newsletter.config import ScheduleConfig
from newsletter.schedule.calendar import plan_ahead
from newsletter.schedule.forecast import allot
from newsletter.schedule.passes import rules_of, upcoming
from newsletter.schedule.queue import Approved, approved, place_of
from newsletter.schedule.slots import Slot
from newsletter.store.tables import broadcasts, queue, slots

_AHEAD = timedelta(days=366)
_NEWEST = 20  # broadcasts whose state may still change


@dataclass(frozen=True)
class Sent:
    """A broadcast that an issue has already, whatever its state."""

    slug: str
    state: str
    digest: str
    at: datetime


@dataclass(frozen=True)
class Outlook:
    """The queue and the past, as they are in the database now.

    `objections` say by slug why an approved issue will be passed over; `approve_by` is how long before its slot an
    issue must be approved.
    """

    slot: Slot
    waiting: tuple[Approved, ...]
    sent: tuple[Sent, ...]
    slots: tuple[Slot, ...]
    plan: Mapping[str, Slot]
    objections: Mapping[str, str]
    approve_by: timedelta | None = None

    def broadcast(self, slug: str) -> Sent | None:
        """The issue's broadcast, if it has one."""
        return next((sent for sent in self.sent if sent.slug == slug), None)

    def approval(self, slug: str) -> Approved | None:
        """The issue's place in the queue, if it is approved."""
        return next((issue for issue in self.waiting if issue.slug == slug), None)

    def if_approved(self, wished: Approved) -> Slot | None:
        """The slot that an issue would get if it were approved as `wished` says; where it waits, it keeps its place."""
        others = [issue for issue in self.waiting if issue.slug != wished.slug]
        now = self.approval(wished.slug)
        place = self.waiting.index(now) if now else place_of(wished, others)
        queue = [*others[:place], replace(wished, moved=now.moved if now else False), *others[place:]]
        numbered = [replace(issue, position=number) for number, issue in enumerate(queue)]
        free = [issue for issue in numbered if issue.slug == wished.slug or issue.slug not in self.objections]
        return next(
            (slot for slot, issue in allot(free, self.slots, self.approve_by) if issue and issue.slug == wished.slug),
            None,
        )


def look_ahead(
    connection: Connection,
    schedule: ScheduleConfig,
    now: datetime,
    objections_to: Callable[[Sequence[Approved]], Mapping[str, str]],
) -> Outlook:
    """Read the queue, what was sent, and the slots of the coming year; `objections_to` looks at the issues' files."""
    waiting, rules = approved(connection), rules_of(schedule)
    objections = objections_to(waiting)
    entries = plan_ahead(connection, schedule, now + _AHEAD, now, rules, objections=objections)
    rows = connection.execute(select(broadcasts).order_by(broadcasts.c.id.desc()))
    sent = tuple(
        Sent(row.slug, row.state, row.digest, row.finished_at or row.started_at or row.planned_at) for row in rows
    )
    return Outlook(
        entries[0].slot if entries else upcoming(connection, schedule, now),
        tuple(waiting),
        sent,
        tuple(entry.slot for entry in entries),
        {entry.slug: entry.slot for entry in entries if entry.slug},
        objections,
        rules.approve_by,
    )


def pulse(connection: Connection) -> tuple[object, ...]:
    """A value that is another one after each change of the queue, the slots and the broadcasts: a few small rows."""
    waiting = connection.execute(
        select(queue.c.slug, queue.c.digest, queue.c.position, queue.c.held).order_by(queue.c.position)
    )
    newest = select(broadcasts.c.id, broadcasts.c.state, broadcasts.c.finished_at).order_by(broadcasts.c.id.desc())
    opened = connection.execute(select(func.count(), func.max(slots.c.id))).one()
    return (
        *map(tuple, waiting),
        *map(tuple, connection.execute(newest.limit(_NEWEST))),
        tuple(opened),
    )
