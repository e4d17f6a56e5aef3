"""Take a list of subscribers in: whole or not at all, twice with the same result, never against a reader's will."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, select

from newsletter.audience.files import Entry, Reject
from newsletter.audience.subscribers import State
from newsletter.store.tables import subscriber_tags, subscribers, suppressions

_PAGE = 500


@dataclass
class ImportReport:
    """What an import did, in readers: `added` + `changed` + `unchanged` + `kept_out` + rejects = lines read.

    `kept_out` are readers whom the list calls active but who had left, or whose address is suppressed.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    kept_out: int = 0
    states: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)


def import_entries(
    connection: Connection, entries: Iterable[Entry | Reject], *, source: str, now: datetime
) -> ImportReport:
    """Add and update the subscribers of `entries` on a connection whose transaction the caller ends.

    `source` stands for the consent's source where the list does not name one. `states` counts the readers added.
    """
    report = ImportReport()
    rest = iter(entries)
    while chunk := list(islice(rest, _PAGE)):
        report.rejects += [entry for entry in chunk if isinstance(entry, Reject)]
        for part in _without_repeats([entry for entry in chunk if isinstance(entry, Entry)]):
            _import_page(connection, part, source, now, report)
    return report


def _without_repeats(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """`entries` cut so that no part holds an address twice: the second time it is a reader that exists."""
    part: dict[str, Entry] = {}
    for entry in entries:
        if entry.email_key in part:
            yield list(part.values())
            part = {}
        part[entry.email_key] = entry
    if part:
        yield list(part.values())


def _import_page(
    connection: Connection, entries: list[Entry], source: str, now: datetime, report: ImportReport
) -> None:
    keys = [entry.email_key for entry in entries]
    known = {
        row.email_key: row for row in connection.execute(select(subscribers).where(subscribers.c.email_key.in_(keys)))
    }
    query = select(suppressions.c.email_key).where(suppressions.c.email_key.in_(keys))
    blocked = set(connection.execute(query).scalars())
    added, changed = [], []
    for entry in entries:
        row = known.get(entry.email_key)
        if entry.email_key in blocked or (row and entry.state == State.ACTIVE and _has_left(row)):
            report.kept_out += 1
        elif row is None:
            added.append(_new(entry, source, now))
            report.states[entry.state] += 1
        elif change := _change(row, entry, now):
            changed.append(change)
        else:
            report.unchanged += 1
    if added:
        connection.execute(subscribers.insert(), added)
    if changed:
        update = subscribers.update().where(subscribers.c.id == bindparam("row_id"))
        connection.execute(update, changed)
    report.added += len(added)
    report.changed += len(changed)
    _tag(connection, [entry for entry in entries if entry.tags and entry.email_key not in blocked])


def _has_left(row: Any) -> bool:
    return State(row.state).weight > State.ACTIVE.weight


def _new(entry: Entry, source: str, now: datetime) -> dict[str, Any]:
    return {
        "email": entry.email,
        "email_key": entry.email_key,
        "name": entry.name,
        "state": entry.state,
        "language": entry.language,
        "timezone": entry.timezone,
        "fields": {},
        "consent_source": entry.consent_source or source,
        "consent_at": entry.consent_at or now,
        "created_at": now,
        "changed_at": now,
    }


def _change(row: Any, entry: Entry, now: datetime) -> dict[str, Any] | None:
    """What the list says anew of a reader who exists, or None; an empty cell says nothing."""
    values = {
        "name": entry.name or row.name,
        "language": entry.language or row.language,
        "timezone": entry.timezone or row.timezone,
        "state": max(entry.state, State(row.state), key=lambda state: state.weight),
    }
    if all(getattr(row, key) == value for key, value in values.items()):
        return None
    return values | {"row_id": row.id, "changed_at": now}


def _tag(connection: Connection, entries: list[Entry]) -> None:
    if not entries:
        return
    keys = [entry.email_key for entry in entries]
    ids = dict(
        connection.execute(
            select(subscribers.c.email_key, subscribers.c.id).where(subscribers.c.email_key.in_(keys))
        ).all()
    )
    wanted = {(ids[entry.email_key], tag) for entry in entries if entry.email_key in ids for tag in entry.tags}
    query = select(subscriber_tags).where(subscriber_tags.c.subscriber_id.in_(list(ids.values())))
    missing = wanted - {(row.subscriber_id, row.tag) for row in connection.execute(query)}
    if missing:
        rows = [{"subscriber_id": number, "tag": tag} for number, tag in sorted(missing)]
        connection.execute(subscriber_tags.insert(), rows)
