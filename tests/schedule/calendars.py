"""A publication's calendar without its mail: the real queue, slots, passes and broadcasts, and a sender that notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, event, select

from newsletter.config import ScheduleConfig
from newsletter.delivery import ledger
from newsletter.delivery.planning import create_broadcast
from newsletter.delivery.states import BroadcastState
from newsletter.errors import NewsletterError
from newsletter.schedule.passes import Due, Passes, PassReport, rules_of
from newsletter.schedule.queue import Approved, approve
from newsletter.schedule.slots import Slot
from newsletter.store.database import Store, open_store
from newsletter.store.tables import broadcasts, slots

DAYS = {1, 4}  # Tuesday and Friday, as `date.weekday` counts


@dataclass
class NotingSender:
    """A Sender whose broadcasts end at once; `sent` has (slug, when) of each."""

    store: Store
    now: Callable[[], datetime]
    sent: list[tuple[str, datetime]]
    objections: dict[str, str] = field(default_factory=dict)
    failures: list[NewsletterError] = field(default_factory=list)

    def objection(self, issue: Approved) -> str:
        return self.objections.get(issue.slug, "")

    def plan(self, connection: Connection, issue: Approved, slot_id: int) -> int:
        return create_broadcast(
            connection,
            slug=issue.slug,
            digest=issue.digest,
            segment="",
            provider="noting",
            now=self.now(),
            slot=slot_id,
        )

    def unfinished(self, connection: Connection) -> list[int]:
        waiting = broadcasts.c.state.in_([BroadcastState.PLANNED, BroadcastState.SENDING])
        return list(connection.execute(select(broadcasts.c.id).where(waiting).order_by(broadcasts.c.id)).scalars())

    def filler(self, connection: Connection, slot: Slot) -> None:
        pass

    def waves_due(self, connection: Connection) -> list[Due]:
        return []

    def begin_wave(self, connection: Connection, wave: Due, *, missed: bool) -> None:
        raise AssertionError(wave, missed, connection)

    def send(self, broadcast_id: int) -> str:
        if self.failures:
            raise self.failures.pop(0)
        with self.store.transaction() as connection:
            ledger.move_broadcast(connection, broadcast_id, BroadcastState.SENDING)
            assert ledger.move_broadcast(connection, broadcast_id, BroadcastState.SENT, finished_at=self.now())
            slug = connection.execute(select(broadcasts.c.slug).where(broadcasts.c.id == broadcast_id)).scalar_one()
        self.sent.append((slug, self.now()))
        return f"{slug} is sent"


class World:
    """A publication, its clock and its scheduler, which can be started anew at any time."""

    def __init__(self, folder: Path, now: datetime, zone: str = "Europe/Berlin", late_window: str = "6h") -> None:
        self.folder, self.now = folder, now
        self.schedule = ScheduleConfig.model_validate({"timezone": zone, "late_window": late_window})
        self.sent: list[tuple[str, datetime]] = []
        self.objections: dict[str, str] = {}
        self.failures: list[NewsletterError] = []
        self.store = _opened(folder)
        self.restart()

    def restart(self) -> None:
        """Forget everything that is not in the database."""
        self.store.close()
        self.store = _opened(self.folder)
        sender = NotingSender(self.store, lambda: self.now, self.sent, self.objections, self.failures)
        self.passes = Passes(self.store, self.schedule, rules_of(self.schedule), sender, lambda: self.now)

    def approve(self, *names: str, pinned_to: str = "", not_before: str = "") -> None:
        """Put issues into the queue."""
        with self.store.transaction() as connection:
            for name in names:
                put_into_queue(connection, name, self.now, pinned_to=pinned_to, not_before=not_before)

    def look(self, now: datetime) -> PassReport:
        """One pass at that moment."""
        self.now = now
        return self.passes.run()

    def live(self, moments: Iterable[datetime]) -> None:
        """A pass at each of the moments."""
        for moment in moments:
            self.look(moment)

    def recorded(self) -> list[tuple[datetime, str, str]]:
        """(instant, state, issue) of all slots that were opened or missed, in order."""
        query = select(slots.c.starts_at, slots.c.state, broadcasts.c.slug)
        query = query.outerjoin(broadcasts, broadcasts.c.slot_id == slots.c.id).order_by(slots.c.starts_at)
        with self.store.reading() as connection:
            return [(row.starts_at, row.state, row.slug or "") for row in connection.execute(query)]

    def close(self) -> None:
        self.store.close()


def _opened(folder: Path) -> Store:
    """The store without its fsyncs, since no test pulls the plug of this machine."""
    store = open_store("", folder)
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    store.close()
    return store


def put_into_queue(
    connection: Connection,
    name: str,
    now: datetime,
    *,
    pinned_to: str = "",
    not_before: str = "",
    number: int | None = None,
) -> None:
    """Approve an issue that has nothing but a name."""
    approve(
        connection,
        edition={"slug": name, "digest": f"digest of {name}"},
        source_digest=f"source of {name}",
        segment="",
        pinned_to=pinned_to,
        not_before=not_before,
        findings=[],
        by="test",
        now=now,
        number=number,
    )


def every(step: timedelta, start: datetime, end: datetime) -> Iterator[datetime]:
    """start, start + step… before end."""
    while start < end:
        yield start
        start += step


def mornings(start: date, end: date, zone: str) -> list[datetime]:
    """09:00 of each Tuesday and Friday of [start, end) in the zone: what the scheduler must do, said another way."""
    days = (start + timedelta(days=number) for number in range((end - start).days))
    return [datetime.combine(day, time(9), ZoneInfo(zone)) for day in days if day.weekday() in DAYS]
