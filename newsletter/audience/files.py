"""Lists of subscribers as other programs export them: CSV, TSV, JSON and NDJSON, columns recognised by their names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsletter.audience.addresses import parse_address
from newsletter.audience.subscribers import State
from newsletter.errors import NewsletterError

_COLUMNS = {
    "email": ("email", "emailaddress", "mail", "subscriberemail", "address"),
    "name": ("name", "fullname", "subscribername"),
    "first": ("firstname", "givenname", "fname"),
    "last": ("lastname", "familyname", "surname", "lname"),
    "state": ("state", "status", "subscriptionstatus", "subscriberstatus"),
    "language": ("language", "lang", "locale"),
    "timezone": ("timezone", "tz"),
    "tags": ("tags", "tag", "labels"),
    "consent_source": ("consentsource", "source", "optinsource"),
    "consent_at": ("consentat", "consentdate", "optintime", "confirmtime", "subscribedat", "createdat", "joined"),
}
_ROLES = {name: role for role, names in _COLUMNS.items() for name in names}
_STATES = {
    State.PENDING: ("pending", "unconfirmed", "unverified"),
    State.ACTIVE: ("", "active", "subscribed", "confirmed", "enabled", "free", "paid", "true", "yes"),
    State.UNSUBSCRIBED: ("unsubscribed", "inactive", "removed", "optedout", "false", "no"),
    State.BOUNCED: ("bounced", "cleaned", "hardbounced", "undeliverable"),
    State.COMPLAINED: ("complained", "spam", "spamcomplaint", "complaint"),
}
_JOINERS = "\u200c\u200d"  # Persian and Indic names, and emoji, are spelled with them
_STATE_OF = {word: state for state, words in _STATES.items() for word in words}


@dataclass(frozen=True)
class Entry:
    """One line of a list, understood. `consent_at` is aware, in UTC; None where the list does not say."""

    line: int
    email: str
    email_key: str
    name: str = ""
    state: State = State.ACTIVE
    language: str = ""
    timezone: str = ""
    tags: tuple[str, ...] = ()
    consent_source: str = ""
    consent_at: datetime | None = None


@dataclass(frozen=True)
class Reject:
    """One line of a list that cannot be taken, and why."""

    line: int
    text: str
    reason: str


def read_list(path: Path) -> Iterator[Entry | Reject]:
    """The lines of the file, in its order, each understood or rejected.

    Raises NewsletterError where the file cannot be read, is not UTF-8, or has no column of addresses.
    """
    text = _text(path)
    rows = _json_rows(path, text) if path.suffix.lower() in (".json", ".ndjson", ".jsonl") else _table_rows(path, text)
    for line, row in rows:
        yield row if isinstance(row, Reject) else _entry(line, row)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise NewsletterError(f"{path}:{line}: not UTF-8", "export the list as UTF-8 (CSV UTF-8 in Excel)") from None
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be read: {error.strerror}", "check the path") from None


def _table_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any] | Reject]]:
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max("\t;,", key=first.count), strict=True)
    begun = 1
    try:
        header = [_ROLES.get(_plain(name), "") for name in next(reader, [])]
        if "email" not in header:
            raise NewsletterError(
                f"{path}:1: no column of addresses", 'the first line names the columns; one of them must be "email"'
            )
        begun = 2  # the line that a row begins on: an open quotation mark swallows all that follow
        for row in reader:
            begun = reader.line_num + 1
            if any(cell.strip() for cell in row):
                yield reader.line_num, dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise NewsletterError(
            f"{path}:{begun}: not readable as a table: {error}", "is a quotation mark missing? Export it again"
        ) from None


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any] | Reject]]:
    whole = path.suffix.lower() == ".json"
    try:
        values: Any = json.loads(text) if whole else []
    except (ValueError, RecursionError) as error:
        raise NewsletterError(f"{path}: not valid JSON: {error}", "expected a list of objects") from None
    if whole and not isinstance(values, list):
        raise NewsletterError(f"{path}: expected a JSON list of objects", 'such as [{"email": "anna@example.org"}]')
    lines: list[Any] = values if whole else [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            value = line if whole else json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            yield number, {_ROLES.get(_plain(key), ""): item for key, item in value.items()}
        else:
            yield number, Reject(number, str(line)[:200], "is no JSON object")


def _entry(line: int, row: Mapping[str, Any]) -> Entry | Reject:
    cells = {key: _clean(value) for key, value in row.items() if key and value is not None}
    email = " ".join(str(row.get("email") or "").split())  # as it is: an address is not guessed at
    try:
        address = parse_address(email)
        consent_at = _moment(cells.get("consent_at", ""))
    except ValueError as error:
        return Reject(line, _clean(email)[:200], _clean(error))
    state = _STATE_OF.get(_plain(cells.get("state", "")))
    if state is None:
        return Reject(line, email, f'unknown state "{cells["state"][:40]}", expected one of: {", ".join(State)}')
    return Entry(
        line,
        address.email,
        address.key,
        (cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip())[:200],
        state,
        cells.get("language", "")[:35],
        cells.get("timezone", "")[:64],
        _tags(row.get("tags")),
        cells.get("consent_source", "")[:200],
        consent_at,
    )


def _clean(value: object) -> str:
    """The value on one line, without what no name has: control characters, halves of a surrogate pair."""
    return "".join(char for char in " ".join(str(value).split()) if char.isprintable() or char in _JOINERS)


def _tags(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else str(value or "").replace(";", ",").split(",")
    return tuple(sorted({clean[:100] for word in words if (clean := _clean(word))}))


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text[:40]}" is no date, expected one such as 2026-11-24') from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not 1970 <= moment.year < 3000:
        raise ValueError(f'"{text[:40]}" is no date of consent')
    return moment.astimezone(UTC)


def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
