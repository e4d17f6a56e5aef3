"""One pass of the scheduler: go on with what was interrupted, then open the slot that is due, once.

The database remembers, the process does not: a pass may be killed anywhere and run again anywhere (DESIGN.md section 4,
rule 2). The slot's row, whose time is unique, and the broadcast's row are written in one transaction, so that of two
schedulers only one opens a slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, func, select

from newsletter.errors import NewsletterError
from newsletter.schedule.queue import Approved, approved, in_turn, remove
from newsletter.schedule.slots import Schedule, Slot, next_slot, slots_between
from newsletter.store.database import Store
from newsletter.store.tables import slots

_OLDEST = timedelta(days=62)  # slots missed longer ago are not even recorded


class Sender(Protocol):
    """What a pass asks of whoever can send: delivery, put together by `newsletter.pipeline`."""

    def objection(self, issue: Approved) -> str:
        """Why this approved issue must not be sent as it is (its file changed since…), or empty."""
        ...

    def plan(self, connection: Connection, issue: Approved, slot_id: int) -> int:
        """Write down the broadcast of an issue in a slot, on the caller's transaction; its id."""
        ...

    def unfinished(self, connection: Connection) -> list[int]:
        """The broadcasts that a pass should go on with by itself, oldest first."""
        ...

    def send(self, broadcast_id: int) -> str:
        """Post a broadcast to its end and say in a sentence what became of it; raises NewsletterError."""
        ...


@dataclass(frozen=True)
class Opening:
    """What opening a slot came to. `passed_over` are sentences on issues not sent."""

    slot: Slot
    state: str
    slug: str = ""
    broadcast_id: int | None = None
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True)
class PassReport:
    """What one pass did, in sentences for the log, and the errors it met."""

    lines: tuple[str, ...]
    openings: tuple[Opening, ...]
    errors: tuple[NewsletterError, ...]
    next: Slot


@dataclass
class Passes:
    """Runs passes over one publication. `say` gets each sentence as it becomes true."""

    store: Store
    schedule: Schedule
    late_window: timedelta
    sender: Sender
    now: Callable[[], datetime]
    say: Callable[[str], None] = lambda _: None
    _lines: list[str] = field(default_factory=list, init=False)

    def run(self) -> PassReport:
        """One pass; errors of sending are reported, not raised, since the next pass goes on with it."""
        self._lines, errors = [], []
        with self.store.reading() as connection:
            unfinished = self.sender.unfinished(connection)
        for broadcast_id in unfinished:
            self._tell("going on with a broadcast that was interrupted")
            errors += self._send(broadcast_id)
        with self.store.transaction() as connection:
            openings = open_due(connection, self.schedule, self.late_window, self.sender, self.now())
        for opening in openings:
            self._tell(*_sentences(opening))
            if opening.broadcast_id is not None:
                errors += self._send(opening.broadcast_id)
        with self.store.reading() as connection:
            following = upcoming(connection, self.schedule, self.now())
        return PassReport(tuple(self._lines), tuple(openings), tuple(errors), following)

    def _send(self, broadcast_id: int) -> list[NewsletterError]:
        try:
            self._tell(self.sender.send(broadcast_id))
        except NewsletterError as error:
            self._tell(error.message)
            return [error]
        return []

    def _tell(self, *lines: str) -> None:
        for line in lines:
            self._lines.append(line)
            self.say(line)


def open_due(
    connection: Connection, schedule: Schedule, late_window: timedelta, sender: Sender, now: datetime
) -> list[Opening]:
    """Record every slot up to `now` that is not recorded; the latest of them, if not too late, gets an issue."""
    last = last_opened(connection)
    earliest = now - late_window if last is None else max(last + timedelta(seconds=1), now - _OLDEST)
    due = slots_between(schedule, earliest, now + timedelta(microseconds=1))
    openings = [_record(connection, slot, "missed", now)[0] for slot in due[:-1]]
    if due:
        openings.append(_open(connection, due[-1], late_window, sender, now))
    return openings


def last_opened(connection: Connection) -> datetime | None:
    """The instant of the newest slot that is recorded, whatever became of it; no earlier slot is ever opened."""
    return connection.execute(select(func.max(slots.c.starts_at))).scalar()


def upcoming(connection: Connection, schedule: Schedule, now: datetime) -> Slot:
    """The next slot that a pass will open: the first one after now, and after all that are recorded."""
    last = last_opened(connection)
    return next_slot(schedule, now if last is None else max(now, last))


def _open(connection: Connection, slot: Slot, late_window: timedelta, sender: Sender, now: datetime) -> Opening:
    if now - slot.starts_at > late_window:
        return _record(connection, slot, "missed", now)[0]
    passed_over = []
    for issue in in_turn(approved(connection), slot):
        objection = sender.objection(issue)
        if objection:
            passed_over.append(f'"{issue.slug}" is approved but was not sent: {objection}')
            continue
        _, slot_id = _record(connection, slot, "taken", now)
        broadcast_id = sender.plan(connection, issue, slot_id)
        remove(connection, issue.slug)
        return Opening(slot, "taken", issue.slug, broadcast_id, tuple(passed_over))
    _record(connection, slot, "empty", now)
    return Opening(slot, "empty", passed_over=tuple(passed_over))


def _record(connection: Connection, slot: Slot, state: str, now: datetime) -> tuple[Opening, int]:
    row = {
        "starts_at": slot.starts_at,
        "wall_time": slot.wall_time,
        "timezone": slot.timezone,
        "state": state,
        "opened_at": now,
    }
    key = connection.execute(slots.insert().values(row)).inserted_primary_key
    assert key is not None  # noqa: S101 - an insert of one row has one key
    return Opening(slot, state), int(key[0])


def _sentences(opening: Opening) -> list[str]:
    ends = {
        "taken": f'goes out with "{opening.slug}"',
        "empty": "stays empty: no approved issue is queued for it",
        "missed": "was missed: nobody was there within the late window, so nothing was sent",
    }
    return [*opening.passed_over, f"the slot of {opening.slot} {ends[opening.state]}"]
