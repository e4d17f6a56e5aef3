"""Which issue each coming slot takes, if the queue stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from newsletter.schedule.passes import upcoming
from newsletter.schedule.queue import Approved, approved, in_turn
from newsletter.schedule.slots import Schedule, Slot, slots_from
from newsletter.schedule.waves import in_effect

_FAR = 104  # slots; a year of two a week


def forecast(
    connection: Connection, schedule: Schedule, now: datetime, approve_by: timedelta | None = None
) -> Iterator[tuple[Slot, Approved | None]]:
    """The coming slots without end, each with its issue or None."""
    first = upcoming(connection, schedule, now)
    coming = slots_from(in_effect(connection, schedule), first.starts_at)
    return allot(approved(connection), coming, approve_by)


def allot(
    waiting: Iterable[Approved], slots: Iterable[Slot], approve_by: timedelta | None = None
) -> Iterator[tuple[Slot, Approved | None]]:
    """Each of `slots` with the issue whose turn it is then, or None; an issue takes one slot.

    `approve_by` is how long before its slot an issue must be approved.
    """
    left = list(waiting)
    for slot in slots:
        turns = in_turn(left, slot, approve_by)
        if turns:
            left.remove(turns[0])
        yield slot, turns[0] if turns else None


def slots_of_issues(
    connection: Connection, schedule: Schedule, now: datetime, approve_by: timedelta | None = None
) -> dict[str, Slot]:
    """The slot of each issue in the queue by slug; one that is held, or fits no slot of the next year, is absent."""
    return {issue.slug: slot for slot, issue in islice(forecast(connection, schedule, now, approve_by), _FAR) if issue}
