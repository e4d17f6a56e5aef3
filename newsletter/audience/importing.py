"""Take a list of subscribers in: whole or not at all, twice with the same result, never against a reader's will."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, select

from newsletter.audience import suppression
from newsletter.audience.consent import record
from newsletter.audience.files import Entry, Reject
from newsletter.audience.subscribers import State
from newsletter.store.database import insert_many
from newsletter.store.tables import subscriber_tags, subscribers, suppressions

_PAGE = 2000
_REMEMBERED = 1000  # rejects kept in the report; `bad` is told of each


@dataclass
class ImportReport:
    """What an import did, in readers: `added` + `changed` + `unchanged` + `kept_out` + `rejected` = lines read.

    `kept_out` are readers whom the list calls active but who had left, or whose address is suppressed or was erased.
    `undated` and `unsourced` are those added as active for whom the list tells no date or source of consent, `unsaid`
    the first line of these.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    kept_out: int = 0
    rejected: int = 0
    undated: int = 0
    unsourced: int = 0
    unsaid: int = 0
    states: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def read(self) -> int:
        """How many lines were read."""
        return self.added + self.changed + self.unchanged + self.kept_out + self.rejected


def import_entries(
    connection: Connection,
    entries: Iterable[Entry | Reject],
    *,
    source: str,
    now: datetime,
    agreed: datetime | None = None,
    tags: Sequence[str] = (),
    progress: Callable[[ImportReport], None] = lambda _: None,
    bad: Callable[[Reject], None] = lambda _: None,
) -> ImportReport:
    """Add and update the subscribers of `entries` on a connection whose transaction the caller ends.

    `source` and `agreed` (else `now`) stand for the consent's source and date where the list names none, `tags` are
    given to everybody on it. `states` counts the readers added.
    """
    report, rest = ImportReport(), iter(entries)
    page = _Page(connection, source, now, agreed or now, tuple(tags), suppression.any_erased(connection), report)
    while chunk := list(islice(rest, _PAGE)):
        for reject in (entry for entry in chunk if isinstance(entry, Reject)):
            report.rejected += 1
            bad(reject)
            if len(report.rejects) < _REMEMBERED:
                report.rejects.append(reject)
        for part in _without_repeats([entry for entry in chunk if isinstance(entry, Entry)]):
            page.take(part)
        progress(report)
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


@dataclass
class _Page:
    """Takes some hundred entries at a time, with a few statements for all of them."""

    connection: Connection
    source: str
    now: datetime
    agreed: datetime
    tags: tuple[str, ...]
    erased: bool
    report: ImportReport

    def take(self, entries: list[Entry]) -> None:
        keys = [entry.email_key for entry in entries]
        query = select(subscribers).where(subscribers.c.email_key.in_(keys))
        known = {row.email_key: row for row in self.connection.execute(query)}
        blocked = self._blocked(keys)
        added: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for entry in entries:
            row = known.get(entry.email_key)
            if entry.email_key in blocked or (row and entry.state == State.ACTIVE and _has_left(row)):
                self.report.kept_out += 1
            elif row is None:
                added.append(self._new(entry))
            elif change := _change(row, entry, self.now):
                changed.append(change)
                if change["state"] != row.state:
                    record(self.connection, row.id, _ACTIONS[change["state"]], self.source, self.now)
            else:
                self.report.unchanged += 1
        if added:
            insert_many(self.connection, subscribers, added)
        if changed:
            update = subscribers.update().where(subscribers.c.id == bindparam("row_id"))
            self.connection.execute(update, changed)
        self.report.added += len(added)
        self.report.changed += len(changed)
        self._tag([entry for entry in entries if (entry.tags or self.tags) and entry.email_key not in blocked])

    def _blocked(self, keys: list[str]) -> set[str]:
        """Those that are suppressed, or were erased and left only a hash."""
        hashes: dict[str, str] = {}
        if self.erased:
            salt = suppression.salt(self.connection)
            hashes = {suppression.hash_address(salt, key): key for key in keys}
        query = select(suppressions.c.email_key).where(suppressions.c.email_key.in_([*keys, *hashes]))
        return {hashes.get(found, found) for found in self.connection.execute(query).scalars()}

    def _new(self, entry: Entry) -> dict[str, Any]:
        self.report.states[entry.state] += 1
        if entry.state is State.ACTIVE and not (entry.consent_at and entry.consent_source):
            self.report.undated += entry.consent_at is None
            self.report.unsourced += not entry.consent_source
            self.report.unsaid = self.report.unsaid or entry.line
        return {
            "email": entry.email,
            "email_key": entry.email_key,
            "name": entry.name,
            "state": entry.state.value,  # SQLite binds plain text ten times as fast
            "language": entry.language,
            "timezone": entry.timezone,
            "fields": dict(entry.fields),
            "measured": entry.measured,
            "consent_source": entry.consent_source or self.source,
            "consent_at": entry.consent_at or self.agreed,
            "created_at": self.now,
            "changed_at": self.now,
        }

    def _tag(self, entries: list[Entry]) -> None:
        if not entries:
            return
        keys = [entry.email_key for entry in entries]
        query = select(subscribers.c.email_key, subscribers.c.id).where(subscribers.c.email_key.in_(keys))
        ids = dict(self.connection.execute(query).all())
        wanted = {
            (ids[entry.email_key], tag)
            for entry in entries
            if entry.email_key in ids
            for tag in (*entry.tags, *self.tags)
        }
        have = select(subscriber_tags).where(subscriber_tags.c.subscriber_id.in_(list(ids.values())))
        missing = wanted - {(row.subscriber_id, row.tag) for row in self.connection.execute(have)}
        if missing:
            rows = [{"subscriber_id": number, "tag": tag} for number, tag in sorted(missing)]
            self.connection.execute(subscriber_tags.insert(), rows)


_ACTIONS = {
    State.PENDING: "imported",
    State.ACTIVE: "imported",
    State.UNSUBSCRIBED: "left",
    State.BOUNCED: "bounced",
    State.COMPLAINED: "complained",
}


def _has_left(row: Any) -> bool:
    return State(row.state).weight > State.ACTIVE.weight


def _change(row: Any, entry: Entry, now: datetime) -> dict[str, Any] | None:
    """What the list says anew of a reader who exists, or None; an empty cell says nothing."""
    values: dict[str, Any] = {
        "name": entry.name or row.name,
        "language": entry.language or row.language,
        "timezone": entry.timezone or row.timezone,
        "state": max(entry.state, State(row.state), key=lambda state: state.weight),
        "fields": {**(row.fields or {}), **entry.fields},
        "measured": entry.measured and row.measured,  # a list brings no objection to an end
    }
    if all(getattr(row, key) == value for key, value in values.items()):
        return None
    return values | {"row_id": row.id, "changed_at": now}
