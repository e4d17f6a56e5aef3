"""What will happen: which issue goes out in which slot if nobody changes anything, and what became of those before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select

from newsletter.schedule.forecast import allot
from newsletter.schedule.passes import upcoming
from newsletter.schedule.queue import Approved, approved
from newsletter.schedule.slots import Schedule, Slot, slots_from
from newsletter.store.tables import broadcasts

_AHEAD = 104  # slots looked at: a year of Tuesdays and Fridays


@dataclass(frozen=True)
class Sent:
    """A broadcast that an issue has already, whatever its state."""

    slug: str
    state: str
    digest: str
    at: datetime


@dataclass(frozen=True)
class Outlook:
    """The queue and the past, as they are in the database now."""

    slot: Slot
    waiting: tuple[Approved, ...]
    sent: tuple[Sent, ...]
    slots: tuple[Slot, ...]

    @property
    def plan(self) -> dict[str, Slot]:
        """The slot of each approved issue."""
        return plan(self.waiting, self.slots)

    def broadcast(self, slug: str) -> Sent | None:
        """The issue's broadcast, if it has one."""
        return next((sent for sent in self.sent if sent.slug == slug), None)

    def approval(self, slug: str) -> Approved | None:
        """The issue's place in the queue, if it is approved."""
        return next((issue for issue in self.waiting if issue.slug == slug), None)


def plan(waiting: Iterable[Approved], slots: Iterable[Slot]) -> dict[str, Slot]:
    """Who goes out when, if the queue stays as it is: each slot takes the issue whose turn it is."""
    return {issue.slug: slot for slot, issue in allot(waiting, slots) if issue}


def look_ahead(connection: Connection, schedule: Schedule, now: datetime) -> Outlook:
    """Read the queue, what was sent, and the coming slots."""
    slot = upcoming(connection, schedule, now)
    rows = connection.execute(select(broadcasts).order_by(broadcasts.c.id.desc()))
    sent = tuple(
        Sent(row.slug, row.state, row.digest, row.finished_at or row.started_at or row.planned_at) for row in rows
    )
    coming = tuple(islice(slots_from(schedule, slot.starts_at), _AHEAD))
    return Outlook(slot, tuple(approved(connection)), sent, coming)


def if_approved(outlook: Outlook, slug: str, *, pinned_to: str, not_before: str, now: datetime) -> Slot | None:
    """The slot that an issue would get if it were approved now."""
    last = max((issue.position for issue in outlook.waiting), default=0)
    wished = Approved(slug, "", "", last + 1, False, "", pinned_to, not_before, now, "")
    others: Sequence[Approved] = [issue for issue in outlook.waiting if issue.slug != slug]
    return plan([*others, wished], outlook.slots).get(slug)
