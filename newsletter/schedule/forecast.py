"""Which issue each coming slot takes, if the queue stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from newsletter.schedule.passes import upcoming
from newsletter.schedule.queue import Approved, approved, in_turn
from newsletter.schedule.slots import Schedule, Slot, slots_from

_FAR = 104  # slots; a year of two a week


def forecast(connection: Connection, schedule: Schedule, now: datetime) -> Iterator[tuple[Slot, Approved | None]]:
    """The coming slots without end, each with its issue or None."""
    first = upcoming(connection, schedule, now)
    return allot(approved(connection), slots_from(schedule, first.starts_at))


def allot(waiting: Iterable[Approved], slots: Iterable[Slot]) -> Iterator[tuple[Slot, Approved | None]]:
    """Each of `slots` with the issue whose turn it is then, or None; an issue takes one slot."""
    left = list(waiting)
    for slot in slots:
        turns = in_turn(left, slot)
        if turns:
            left.remove(turns[0])
        yield slot, turns[0] if turns else None


def slots_of_issues(connection: Connection, schedule: Schedule, now: datetime) -> dict[str, Slot]:
    """The slot of each issue in the queue by slug; one that is held, or fits no slot of the next year, is absent."""
    return {issue.slug: slot for slot, issue in islice(forecast(connection, schedule, now), _FAR) if issue}
