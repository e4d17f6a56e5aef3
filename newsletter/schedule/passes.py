"""One pass of the scheduler: go on with what was interrupted, then open the slot that is due, once.

The database remembers, the process does not: a pass may be killed anywhere and run again anywhere (DESIGN.md section 4,
rule 2). The slot's row, whose instant and wall time are unique, and the broadcast's row are written in one transaction,
so that of two schedulers only one opens a slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from newsletter.errors import NewsletterError
from newsletter.logs import about
from newsletter.schedule.queue import Approved, approved, in_turn, remove
from newsletter.schedule.slots import Schedule, Slot, slots_between, slots_from
from newsletter.store.database import Store
from newsletter.store.tables import restores, slots

if TYPE_CHECKING:
    from newsletter.config import ScheduleConfig

ON_TIME = timedelta(minutes=15)  # a slot opened within it counts as on time: a cron job comes every few minutes
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
class Rules:
    """What `[schedule]` says of slots that have begun, and of when an issue must be approved."""

    late_window: timedelta
    late_policy: str = "send"
    approve_by: timedelta | None = None

    def opens(self, slot: Slot, now: datetime) -> bool:
        """Whether a pass at `now` opens this slot, which has begun, without asking anybody."""
        late = now - slot.starts_at
        return late <= self.late_window and (late <= ON_TIME or self.late_policy == "send")


def rules_of(config: ScheduleConfig) -> Rules:
    """The rules that a publication's `[schedule]` gives."""
    return Rules(config.late_window, config.late_policy, config.approve_by)


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
    asking: Slot | None = None  # has begun late, and waits for a person's word


@dataclass
class Passes:
    """Runs passes over one publication. `say` gets each sentence as it becomes true."""

    store: Store
    schedule: Schedule
    rules: Rules
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
        openings = self._open()
        for opening in openings:
            with about(slot=opening.slot.wall_time):
                self._tell(*_sentences(opening))
                if opening.broadcast_id is not None:
                    errors += self._send(opening.broadcast_id)
        with self.store.reading() as connection:
            following = upcoming(connection, self.schedule, self.now())
            due = latest_due(connection, self.schedule, self.now(), self.rules)
        asking = due if self.rules.late_policy == "ask" else None
        return PassReport(tuple(self._lines), tuple(openings), tuple(errors), following, asking)

    def _open(self) -> list[Opening]:
        """Open what is due. On PostgreSQL two schedulers may both try: the keys of the tables let one of them."""
        now = self.now()
        try:
            with self.store.transaction() as connection:
                return open_due(connection, self.schedule, self.rules, self.sender, now)
        except IntegrityError:
            with self.store.reading() as connection:
                if pending(connection, self.schedule, now, self.rules):
                    raise  # nobody else opened it, so this is another key, and a bug
            return []

    def _send(self, broadcast_id: int) -> list[NewsletterError]:
        try:
            with about(broadcast=broadcast_id):
                self._tell(self.sender.send(broadcast_id))
        except NewsletterError as error:
            with about(broadcast=broadcast_id):
                self._tell(error.message)
            return [error]
        return []

    def _tell(self, *lines: str) -> None:
        for line in lines:
            self._lines.append(line)
            self.say(line)


def open_due(connection: Connection, schedule: Schedule, rules: Rules, sender: Sender, now: datetime) -> list[Opening]:
    """Record every slot up to `now` that is not recorded; the latest of them, if not too late, gets an issue.

    Where the latest is late and a person has to be asked, it is left as it is.
    """
    due = pending(connection, schedule, now, rules)
    openings = [_record(connection, slot, "missed", now)[0] for slot in due[:-1]]
    for slot in due[-1:]:
        if rules.opens(slot, now):
            openings.append(_open(connection, slot, rules, sender, now))
        elif rules.late_policy != "ask" or now - slot.starts_at > rules.late_window:
            openings.append(_record(connection, slot, "missed", now)[0])
    return openings


def pending(connection: Connection, schedule: Schedule, now: datetime, rules: Rules) -> list[Slot]:
    """The slots that have begun and are not recorded, as far as a pass looks back, in order."""
    last, wall = last_opened(connection)
    earliest = now - rules.late_window if last is None else max(last + timedelta.resolution, now - _OLDEST)
    found = slots_between(schedule, earliest, now + timedelta.resolution)
    return [slot for slot in found if slot.wall_time > wall]


def latest_due(connection: Connection, schedule: Schedule, now: datetime, rules: Rules) -> Slot | None:
    """The one slot that has begun and may still be opened, if there is one."""
    due = pending(connection, schedule, now, rules)
    return due[-1] if due and now - due[-1].starts_at <= rules.late_window else None


def last_opened(connection: Connection) -> tuple[datetime | None, str]:
    """Instant and wall time of the newest slots that are recorded; no earlier slot is ever opened.

    Both count, since a new rule of the zone moves the instant of a wall time. What was opened between a backup and its
    restoring is not recorded, so none of those slots is opened either.
    """
    instant, wall = connection.execute(select(func.max(slots.c.starts_at), func.max(slots.c.wall_time))).one()
    restored = connection.execute(select(func.max(restores.c.restored_at))).scalar()
    return max((moment for moment in (instant, restored) if moment), default=None), wall or ""


def upcoming(connection: Connection, schedule: Schedule, now: datetime) -> Slot:
    """The next slot that a pass will open: the first one after now, and after all that are recorded."""
    last, wall = last_opened(connection)
    after = now if last is None else max(now, last)
    return next(slot for slot in slots_from(schedule, after + timedelta.resolution) if slot.wall_time > wall)


def _open(connection: Connection, slot: Slot, rules: Rules, sender: Sender, now: datetime) -> Opening:
    passed_over = []
    for issue in in_turn(approved(connection), slot, rules.approve_by):
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
        "missed": "was missed: nobody was there in time, so nothing was sent",
    }
    return [*opening.passed_over, f"the slot of {opening.slot} {ends[opening.state]}"]
