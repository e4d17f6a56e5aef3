"""Put a backup in the place of the database, so that what was sent since it was taken cannot be sent again.

All is made ready in a copy: what the backup has unfinished is in doubt, what it has queued is held, nothing is sent
until somebody says `newsletter resume`. Then the copy takes the database's place in one step.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select

from newsletter.audience.erasure import forget
from newsletter.audience.subscribers import State, leave
from newsletter.delivery import switch
from newsletter.delivery.owner import is_gone
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.restored import doubt_the_unfinished
from newsletter.delivery.states import BatchState, DeliveryState
from newsletter.errors import NewsletterError, SafetyError
from newsletter.pipeline.backups import KEY_FILE, back_up, folder_of
from newsletter.pipeline.desk import open_desk
from newsletter.publication import Publication
from newsletter.schedule.queue import approved, put_in_doubt
from newsletter.store.copying import Copy, opened_copy, read_copy, replace
from newsletter.store.database import Store, open_store
from newsletter.store.tables import (
    batches,
    broadcasts,
    consents,
    events,
    facts,
    heartbeats,
    leases,
    restores,
    subscribers,
    suppressions,
    switches,
)

_LARGEST_BATCH = 100  # of the providers; a key is the same only for a batch of the same size


@dataclass(frozen=True)
class Restored:
    """What a restore came to. `unfinished` are broadcasts in doubt, `held` issues; `kept` the replaced database."""

    taken_at: datetime
    schema: str
    unfinished: tuple[Report, ...]
    held: tuple[str, ...]
    departures: int
    kept: Path | None
    told: Mapping[str, str] = field(default_factory=dict)  # what the replaced database says of broadcasts, by slug

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "taken_at": self.taken_at.isoformat(),
            "schema": self.schema,
            "unfinished": [report.as_json() for report in self.unfinished],
            "held": list(self.held),
            "departures": self.departures,
            "kept": str(self.kept) if self.kept else None,
            "told": dict(self.told),
        }


def restore(publication: Publication, file: Path, now: datetime, *, confirmed: bool) -> Restored:
    """Put the backup in `file` in the place of the database.

    Raises SafetyError over a sender at work, and, unless `confirmed`, over a database with news since the backup or
    with a backup of another publication; NewsletterError for a file that is none.
    """
    copy = read_copy(file)
    _refuse_strangers(publication, copy, confirmed=confirmed)
    with opened_copy(file, publication.state) as prepared, _present(publication, confirmed=confirmed) as present:
        kept, departures, told = None, 0, dict[str, str]()
        if present is not None:
            with present.reading() as connection:
                _refuse_at_work(connection, now)
                _refuse_news(connection, copy, confirmed=confirmed)
                told = _told(connection)
            kept = back_up(publication, present, now, _aside(publication, now)).file
            departures = _keep_departures(present, prepared, now)
        with prepared.transaction() as connection:
            unfinished = _leave_open(connection, publication, copy, now)
            held = tuple(issue.slug for issue in approved(connection))
        target = present or open_store(publication.config.storage.database_url, publication.state)
        try:
            replace(target, prepared)
        finally:
            target.close()
    _keep_links_alive(publication, copy)
    return Restored(copy.taken_at, copy.schema, tuple(unfinished), held, departures, kept, told)


def _refuse_strangers(publication: Publication, copy: Copy, *, confirmed: bool) -> None:
    theirs, ours = copy.facts.get("base_url", ""), publication.config.publication.base_url
    if theirs and theirs != ours and not confirmed:
        raise SafetyError(
            f"the backup is of {copy.facts.get('name', 'another publication')} ({theirs}), this publication is {ours}",
            "if it is the right one all the same: --confirm",
        )


@contextlib.contextmanager
def _present(publication: Publication, *, confirmed: bool) -> Iterator[Store | None]:
    """The database as it is now; None where there is none.

    A file that is damaged, or of a newer program, is put aside, if `confirmed`.
    """
    url, state = publication.config.storage.database_url, publication.state
    file = state / "newsletter.db"
    if not url and not file.exists():
        yield None
        return
    try:
        store = open_store(url, state)
    except NewsletterError as error:
        if url or not ("damaged" in error.hint or "newer" in error.hint):
            raise
        if not confirmed:
            hint = "to put it aside and go on: --confirm; be sure that no scheduler and no sender runs"
            raise SafetyError(f"the present database cannot be read: {error.message}", hint) from None
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                file.with_name(file.name + end).rename(file.with_name(f"{file.name}{end}.aside"))
        yield None
        return
    try:
        yield store
    finally:
        store.close()


def _refuse_at_work(connection: Connection, now: datetime) -> None:
    """Whoever sends just now would go on with a ledger that is not there any more."""
    posting = select(batches.c.owner, batches.c.lease_until).where(batches.c.state == BatchState.POSTING)
    scheduler = select(leases.c.owner, leases.c.until).where(leases.c.owner != "")
    for query, who in ((posting, "a sender"), (scheduler, "a scheduler")):
        for owner, until in connection.execute(query):
            if until and until > now and not is_gone(owner):
                host = owner.partition("/")[0] or "this machine"
                raise SafetyError(f"{who} is at work on {host}", "stop it first; its lease ends in minutes")


def _refuse_news(connection: Connection, copy: Copy, *, confirmed: bool) -> None:
    """What would be lost has to be wanted."""
    kinds = (
        (broadcasts.c.planned_at, "broadcast", "broadcasts"),
        (batches.c.settled_at, "batch sent", "batches sent"),
        (consents.c.at, "change of a reader", "changes of readers"),
        (events.c.received_at, "event", "events"),
    )
    found = []
    for column, one, many in kinds:
        count = connection.execute(select(func.count()).where(column > copy.taken_at)).scalar_one()
        found += [f"{count} {one if count == 1 else many}"] if count else []
    if found and not confirmed:
        since = f"{copy.taken_at:%Y-%m-%d %H:%M} UTC"
        raise SafetyError(
            f"the database has news since the backup of {since}: {', '.join(found)}",
            "to give them up (who left stays out; a copy is kept): --confirm",
        )


def _told(connection: Connection) -> dict[str, str]:
    """What the database that is given up says of its broadcasts: the nearest there is to the provider's record."""
    ids = connection.execute(select(broadcasts.c.id).order_by(broadcasts.c.id)).scalars().all()
    reports = [report_of(connection, number) for number in ids]
    return {report.slug: f"{report.state}, {report.sent} of {_mailed(report)} readers" for report in reports}


def _mailed(report: Report) -> int:
    return report.readers - report.deliveries.get(DeliveryState.SKIPPED, 0)


def _keep_departures(present: Store, prepared: Store, now: datetime) -> int:
    """Whoever left, bounced, complained or was erased since the backup stays out; how many there were."""
    gone = [state for state in State if state.weight > State.ACTIVE.weight]
    with present.reading() as old, prepared.transaction() as new:
        salts = select(facts).where(facts.c.name == "erasure_salt")
        if (salt := old.execute(salts).mappings().first()) and new.execute(salts).first() is None:
            new.execute(facts.insert(), dict(salt))
        known = set(new.execute(select(suppressions.c.email_key)).scalars())
        barred = [dict(row) for row in old.execute(select(suppressions)).mappings() if row["email_key"] not in known]
        if barred:
            new.execute(suppressions.insert(), barred)
        ids = dict(new.execute(select(subscribers.c.email_key, subscribers.c.id)).all())
        left = old.execute(select(subscribers.c.email_key, subscribers.c.state).where(subscribers.c.state.in_(gone)))
        count = sum(leave(new, ids[key], State(state), now) for key, state in left if key in ids)
        erased = set(old.execute(select(consents.c.subscriber_id).where(consents.c.action == "erased")).scalars())
        back = [key for key, number in ids.items() if number in erased]
        return count + sum(forget(new, key, now) for key in back)


def _leave_open(connection: Connection, publication: Publication, copy: Copy, now: datetime) -> Sequence[Report]:
    config = publication.config
    size = 1 if config.provider.name == "smtp" else min(config.delivery.batch_size, _LARGEST_BATCH)
    unfinished = doubt_the_unfinished(connection, copy.taken_at, now, size)
    put_in_doubt(connection, _slugs(publication), now)
    connection.execute(restores.insert(), {"restored_at": now, "taken_at": copy.taken_at})
    connection.execute(delete(switches))
    switch.stop(connection, f"restored from a backup of {copy.taken_at:%Y-%m-%d %H:%M} UTC", now)
    for table in (leases, heartbeats):  # of processes of that time
        connection.execute(delete(table))
    connection.execute(leases.insert(), {"name": "scheduler", "owner": ""})
    return unfinished


def _slugs(publication: Publication) -> list[str]:
    """The issues whose files are here: any of them may have been sent since the backup."""
    try:
        folder = open_desk(publication).folder
    except NewsletterError:
        return []
    return [issue.slug for issue in folder.issues]


def _aside(publication: Publication, now: datetime) -> Path:
    return folder_of(publication) / f"replaced-{now:%Y%m%dT%H%M%S}Z.db"


def _keep_links_alive(publication: Publication, copy: Copy) -> None:
    """The key of the backup is put before the present one, which goes on signing: links of both still work."""
    theirs, file = copy.files.get(KEY_FILE, b"").decode("ascii", "replace").split(), publication.state / KEY_FILE
    ours = file.read_text(encoding="ascii", errors="replace").split() if file.is_file() else []
    words = [word for word in theirs if word not in ours] + ours
    if words == ours or not words:
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        out.write(" ".join(words) + "\n")
    draft.rename(file)
