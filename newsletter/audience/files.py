"""Lists of subscribers as other programs export them: CSV, TSV, JSON and NDJSON, read line by line.

A list of any length needs the memory of one line.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from newsletter.audience.addresses import parse_address
from newsletter.audience.columns import roles_of, state_of, tags_of
from newsletter.audience.subscribers import State
from newsletter.errors import NewsletterError, UsageError

_JOINERS = "\u200c\u200d"  # Persian and Indic names, and emoji, are spelled with them
_SEPARATOR = re.compile(r"""["']?sep=([,;|\t])["']?""", re.I)
_CHUNK = 1 << 20  # characters of a JSON file that are read at once
_DAYS = ("%b %d, %Y", "%B %d, %Y", "%Y-%m-%d %H:%M:%S %Z", "%Y-%m-%d %H:%M:%S %z")


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
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    measured: bool = True


@dataclass(frozen=True)
class Reject:
    """One line of a list that cannot be taken, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class Origin:
    """What a person says of a list: its encoding, where it is no Unicode, and the columns to keep as they are."""

    encoding: str = ""
    fields: tuple[str, ...] = ()


def read_list(path: Path, origin: Origin = Origin()) -> Iterator[Entry | Reject]:
    """The lines of the file, in its order, each understood or rejected.

    Raises NewsletterError where the file cannot be read, is in another encoding, or has no column of addresses.
    """
    fields = origin.fields
    with _open(path, origin.encoding) as file:
        whole = path.suffix.lower() == ".json"
        lines = path.suffix.lower() in (".ndjson", ".jsonl")
        rows = _json_list(path, file) if whole else _json_lines(file) if lines else None
        if rows is None:
            yield from _table(path, file, fields)
            return
        for number, value in rows:
            if isinstance(value, dict):
                roles = roles_of(list(value), fields)
                yield _entry(number, dict(zip(roles, value.values(), strict=True)))
            else:
                yield Reject(number, str(value)[:200], "is no JSON object")


def describe_columns(path: Path, origin: Origin = Origin()) -> list[tuple[str, str]]:
    """(column, what it is taken as) of a table's first line; empty for JSON, whose objects may all differ."""
    if path.suffix.lower() in (".json", ".ndjson", ".jsonl"):
        return []
    with _open(path, origin.encoding) as file:
        delimiter, _ = _delimiter(file)
        header = next(csv.reader(file, delimiter=delimiter), [])
    return list(zip(header, roles_of(header, origin.fields), strict=True))


@contextmanager
def readable_twice(path: Path) -> Iterator[Path]:
    """`path`, or for as long as the `with` lasts a copy of what comes through it, where it is a pipe.

    Raises NewsletterError where that cannot be read or copied.
    """
    if not path.is_fifo():
        yield path
        return
    try:
        with tempfile.TemporaryDirectory(prefix="newsletter-list-") as folder:
            copy = Path(folder) / path.name
            with path.open("rb") as pipe, copy.open("wb") as file:
                shutil.copyfileobj(pipe, file)
            yield copy
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be read: {error.strerror}", "check the path") from None


@contextmanager
def _open(path: Path, encoding: str = "") -> Iterator[TextIO]:
    try:
        with path.open(encoding=encoding or _unicode_of(path), newline="") as file:
            yield file
    except LookupError:
        raise UsageError(
            f'--encoding: there is no encoding "{encoding}"', "such as cp1252, latin-1, shift_jis"
        ) from None
    except UnicodeError:
        if encoding:
            raise NewsletterError(f"{path}: not {encoding}", "try another --encoding") from None
        raise NewsletterError(
            f"{path}:{_first_bad_line(path)}: not UTF-8",
            "export the list as UTF-8 (CSV UTF-8 in Excel), or say what it is: --encoding cp1252",
        ) from None
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be read: {error.strerror}", "check the path") from None


def _unicode_of(path: Path) -> str:
    """Which Unicode a file is in, by its first bytes: Excel's "Unicode text" is UTF-16."""
    with path.open("rb") as file:
        begin = file.read(4)
    if begin.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    return "utf-16" if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _first_bad_line(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1


def _delimiter(file: TextIO) -> tuple[str, int]:
    """What the first line is cut by, and how many lines say so (Excel's `sep=;`): the file stands behind them."""
    file.seek(0)
    first = file.readline()
    if match := _SEPARATOR.fullmatch(first.rstrip("\r\n")):
        return match[1], 1
    file.seek(0)
    return max("\t;,|", key=first.count), 0


def _table(path: Path, file: TextIO, fields: Collection[str]) -> Iterator[Entry | Reject]:
    delimiter, above = _delimiter(file)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    begun = 1 + above
    try:
        header = roles_of(next(reader, []), fields)
        if "email" not in header:
            raise NewsletterError(
                f"{path}:1: no column of addresses", 'the first line names the columns; one of them must be "email"'
            )
        begun += 1  # the line that a row begins on: an open quotation mark swallows all that follow
        for row in reader:
            begun = reader.line_num + above + 1
            if any(map(str.strip, row)):
                yield _entry(reader.line_num + above, dict(zip(header, row, strict=False)))
    except csv.Error as error:
        raise NewsletterError(
            f"{path}:{begun}: not readable as a table: {error}", "is a quotation mark missing? Export it again"
        ) from None


def _json_lines(file: TextIO) -> Iterator[tuple[int, Any]]:
    number = 0
    for line in file:
        if line.strip():
            number += 1
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, line.strip()


def _json_list(path: Path, file: TextIO) -> Iterator[tuple[int, Any]]:
    """The values of a JSON list, one after the other, from a file of any length."""
    decoder, text, number, ended = json.JSONDecoder(), "", 0, False
    while True:
        text = text.lstrip(", \t\r\n") if number else text.lstrip()
        if number == 0 and text:
            if text[0] != "[":
                _not_a_list(path, text, file)
            text, number = text[1:].lstrip(), 1
            continue
        if text.startswith("]") and not text[1:].strip() and not file.read(1):
            return
        try:
            value, end = decoder.raw_decode(text)
            if not ended and end == len(text):
                raise ValueError  # a number may go on
        except (ValueError, RecursionError) as error:
            more = file.read(_CHUNK)
            if not more and ended:
                raise NewsletterError(f"{path}: not valid JSON: {error}", "expected a list of objects") from None
            ended = not more
            text += more
            continue
        yield number, value
        text, number = text[end:], number + 1


def _not_a_list(path: Path, text: str, file: TextIO) -> None:
    try:
        json.loads(text + file.read())
    except (ValueError, RecursionError) as error:
        raise NewsletterError(f"{path}: not valid JSON: {error}", "expected a list of objects") from None
    raise NewsletterError(f"{path}: expected a JSON list of objects", 'such as [{"email": "anna@example.org"}]')


def _entry(line: int, row: Mapping[str, Any]) -> Entry | Reject:
    cells = {key: _clean(value) for key, value in row.items() if key and value not in (None, "")}
    email = " ".join(str(row.get("email") or "").split())  # as it is: an address is not guessed at
    try:
        address = parse_address(email)
        state = state_of(cells)
        consent_at = _moment(cells.get("consent_at", ""))
    except ValueError as error:
        return Reject(line, _clean(email)[:200], _clean(error))
    return Entry(
        line,
        address.email,
        address.key,
        (cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip())[:200],
        state,
        cells.get("language", "")[:35],
        cells.get("timezone", "")[:64],
        _tags(row["tags"]) if "tags" in cells else (),
        cells.get("consent_source", "")[:200],
        consent_at,
        _fields(cells, row.get("fields")),
        cells.get("measured", "").lower() not in ("no", "false", "0"),
    )


def _fields(cells: Mapping[str, str], whole: object) -> dict[str, str]:
    """The fields to keep: columns of their own, and those of our own export, which has them as one JSON object."""
    found = {key[6:][:64]: text[:1000] for key, text in cells.items() if key.startswith("field.")}
    if whole and isinstance(whole, str):
        try:
            whole = json.loads(whole)
        except (ValueError, RecursionError):
            return found
    named = whole.items() if isinstance(whole, dict) else ()
    return {_clean(key)[:64]: _clean(text)[:1000] for key, text in named} | found


def _clean(value: object) -> str:
    """The value on one line, without what no name has: control characters, halves of a surrogate pair."""
    text = " ".join(str(value).split())
    if text.isprintable():
        return text
    return "".join(char for char in text if char.isprintable() or char in _JOINERS)


def _tags(value: object) -> tuple[str, ...]:
    return tuple(sorted({clean[:100] for word in tags_of(value) if (clean := _clean(word))}))


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    moment = _read_moment(text)
    if moment is None:
        raise ValueError(f'"{text[:40]}" is no date, expected one such as 2026-11-24')
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not 1970 <= moment.year < 3000:
        raise ValueError(f'"{text[:40]}" is no date of consent')
    return moment.astimezone(UTC)


def _read_moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _DAYS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - without a zone it is UTC
        except ValueError:
            continue
    return None
