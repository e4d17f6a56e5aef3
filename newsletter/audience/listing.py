"""Who is on the list, row by row; all that is stored about one; the list as a file that an import reads back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import Connection, Select, Table, func, select

from newsletter.audience.consent import log_of
from newsletter.audience.segments import compile_segment
from newsletter.store.tables import (
    broadcasts,
    clicks,
    deliveries,
    events,
    opens,
    subscriber_tags,
    subscribers,
    suppressions,
)

_PAGE = 1000
COLUMNS = ("email", "name", "state", "language", "timezone", "tags", "consent_source", "consent_at", "measured")


def rows(
    connection: Connection, segment: str, now: datetime, limit: int | None = None, after: int = 0
) -> Iterator[dict[str, Any]]:
    """The subscribers of a segment (empty: all) by id, with tags and fields; read page by page, from behind `after`."""
    last, left = after, limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        query = select(subscribers).where(subscribers.c.id > last).order_by(subscribers.c.id).limit(size)
        query = query.where(subscribers.c.email_key.not_like("erased-%@erased.invalid"))
        if segment.strip():
            query = query.where(compile_segment(segment, now))
        found = connection.execute(query).mappings().all()
        tags = _tags(connection, [row["id"] for row in found])
        for row in found:
            yield _plain(row) | {"tags": tags.get(row["id"], [])}
        if len(found) < size:
            return
        last = found[-1]["id"]
        left = None if left is None else left - len(found)


def count(connection: Connection, segment: str, now: datetime) -> int:
    """How many subscribers a segment has, whatever their state."""
    query = select(func.count()).select_from(subscribers)
    return connection.execute(query.where(compile_segment(segment, now)) if segment.strip() else query).scalar_one()


def write(out: TextIO, found: Iterator[dict[str, Any]], form: str) -> int:
    """Write rows as `csv` or `ndjson`; how many. In a CSV the fields are one cell of JSON."""
    lines = 0
    writer = csv.writer(out)
    if form == "csv":
        writer.writerow([*COLUMNS, "fields"])
    for row in found:
        lines += 1
        if form == "ndjson":
            out.write(json.dumps(_told(row) | {"fields": row["fields"]}, ensure_ascii=False) + "\n")
        else:
            cells = [", ".join(cell) if key == "tags" else cell or "" for key, cell in _told(row).items()]
            writer.writerow([*cells, json.dumps(row["fields"], ensure_ascii=False) if row["fields"] else ""])
    return lines


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row as a list has them: only who objects to being measured has a word about it."""
    return {key: row[key] for key in COLUMNS} | {"measured": "" if row["measured"] else "no"}


def everything(connection: Connection, email_key: str) -> dict[str, Any] | None:
    """All that is stored about one address, for its reader's request; None where nothing is."""
    row = connection.execute(select(subscribers).where(subscribers.c.email_key == email_key)).mappings().first()
    query = select(suppressions).where(suppressions.c.email_key == email_key)
    suppressed = connection.execute(query).mappings().first()
    if row is None and suppressed is None:
        return None
    number = row["id"] if row is not None else 0
    sent = (
        select(broadcasts.c.slug, broadcasts.c.planned_at, deliveries.c.state, deliveries.c.reason)
        .add_columns(deliveries.c.tags, deliveries.c.fields)
        .join(broadcasts, broadcasts.c.id == deliveries.c.broadcast_id)
        .where(deliveries.c.broadcast_id.in_(select(broadcasts.c.id)), deliveries.c.subscriber_id == number)
        .order_by(broadcasts.c.id)
    )
    told = select(events.c.kind, events.c.occurred_at, events.c.source, events.c.detail)
    told = told.where((events.c.subscriber_id == number) | (events.c.email_key == email_key))
    return {
        "subscriber": None if row is None else _plain(row) | {"tags": _tags(connection, [number]).get(number, [])},
        "suppressed": None if suppressed is None else _plain(suppressed),
        "consent": [_plain(line) for line in log_of(connection, number)],
        "deliveries": [_delivery(line) for line in connection.execute(sent).mappings()],
        "clicks": [_plain(line) for line in connection.execute(_measured(clicks, number)).mappings()],
        "opens": [_plain(line) for line in connection.execute(_measured(opens, number)).mappings()],
        "events": [_plain(line) for line in connection.execute(told.order_by(events.c.occurred_at)).mappings()],
    }


def _measured(table: Table, number: int) -> Select[Any]:
    columns = [column for column in table.c if column.name in ("link", "at", "machine")]
    query = select(broadcasts.c.slug, *columns).join(broadcasts, broadcasts.c.id == table.c.broadcast_id)
    return query.where(table.c.subscriber_id == number).order_by(table.c.id)


def _tags(connection: Connection, ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = select(subscriber_tags).where(subscriber_tags.c.subscriber_id.in_(ids))
    for row in connection.execute(query.order_by(subscriber_tags.c.tag)):
        found.setdefault(row.subscriber_id, []).append(row.tag)
    return found


def _delivery(delivery: Mapping[Any, Any]) -> dict[str, Any]:
    """A delivery; what it keeps of its reader only where it does."""
    return {key: value for key, value in _plain(delivery).items() if value is not None}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}
