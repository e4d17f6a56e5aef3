"""Front matter: found at the top of a file in the four dialects that editors bring, and given the types we declare.

    ---            YAML (ours, Jekyll's)          +++            TOML (Hugo's)
    subject: …                                    title = "…"
    ---                                           +++
    Title: …       Pelican's headers, up to the first empty line

What a value means is decided by the type of its key, never by how it looks: a subject `no` is the text "no".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from newsletter.content.issue import Moment, Status
from newsletter.content.raw import Entry, Items, Scalar, Table, Value, kind
from newsletter.content.yaml_text import read_yaml
from newsletter.errors import ContentError

TEXTS = (
    "subject",
    "title",
    "subtitle",
    "preheader",
    "author",
    "slug",
    "language",
    "template",
    "segment",
    "next",
    "correction_of",
    "send_to_missed",
)
KEYS = frozenset({*TEXTS, "status", "date", "slot", "number", "tags", "diagram", "vars", "checks"})
# What other programs call the same thing; only where our own key is not there.
SAME_AS = {
    "summary": "preheader",
    "description": "preheader",
    "excerpt": "preheader",
    "authors": "author",
    "lang": "language",
}
# What other programs write for themselves: read past without a word.
FOREIGN = frozenset(
    """layout permalink categories category draft published comments modified lastmod updated url aliases image images
    weight keywords toc type id guid save_as redirect_from header cover math series""".split()
)
_PELICAN = re.compile(r"(?:title|subject|date|slug|author|tags|category|status|number|lang|summary)\s*:", re.IGNORECASE)
_WALL = re.compile(r"^(\d{4}-\d\d-\d\d)[ T]+(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(?:Z|[A-Z]{3,4}|[+-]\d\d:?\d\d)?$")
_HEADER = re.compile(r"([A-Za-z][\w-]*)\s*:\s*(.*)$")


@dataclass(frozen=True)
class Front:
    """The front matter of a file: its values by key (lower case), the line of each key, and where the body starts."""

    values: Mapping[str, Any]
    lines: Mapping[str, int]
    unknown: tuple[tuple[str, int], ...]
    body: str
    body_line: int


def read_front_matter(path: Path, text: str) -> Front:
    """Front matter and body of `text`; raises ContentError with file and line for what cannot be meant."""
    lines = text.split("\n")
    if lines[0].rstrip() in ("---", "+++"):
        table, end = _fenced(path, lines)
    elif _PELICAN.match(lines[0]):
        table, end = _headers(lines)
    else:
        table, end = Table((), 1), 0
    values, places, unknown = _typed(path, table)
    return Front(values, places, unknown, "\n".join(lines[end:]), end + 1)


def _fenced(path: Path, lines: list[str]) -> tuple[Table, int]:
    fence = lines[0].rstrip()
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == fence), 0)
    if not end:
        if fence == "---" and not any(_HEADER.match(line) for line in lines[1:3]):
            return Table((), 1), 0  # a rule across the page, not front matter
        raise ContentError(
            path, 1, f"the front matter is not ended by a line {fence}", f"add a line {fence} below the keys"
        )
    inner = "\n".join(lines[1:end])
    if fence == "---":
        return read_yaml(path, inner, 2, frozenset(TEXTS) - {"author"}), end + 1
    try:
        data = tomllib.loads(inner)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) + 1 if found else 1
        raise ContentError(path, line, f"not valid TOML: {error}", "text values stand in quotes") from None
    return Table(tuple(_toml_entry(key, value, lines[:end]) for key, value in data.items()), 2), end + 1


def _toml_entry(key: str, value: Any, lines: list[str]) -> Entry:
    pattern = re.compile(rf"\s*[\"'\[]?{re.escape(key)}\b")
    line = next((number for number, text in enumerate(lines, start=1) if pattern.match(text)), 2)
    return Entry(key, _toml_value(value, line), line)


def _toml_value(value: Any, line: int) -> Value:
    if isinstance(value, list):
        return Items(tuple(_toml_value(item, line) for item in value), line)
    if isinstance(value, dict):
        return Table(tuple(Entry(key, _toml_value(item, line), line) for key, item in value.items()), line)
    text = (
        value.isoformat()
        if hasattr(value, "isoformat")
        else str(value).lower()
        if value in (True, False)
        else str(value)
    )
    return Scalar(text, line, quoted=isinstance(value, str))


def _headers(lines: list[str]) -> tuple[Table, int]:
    entries = []
    end = len(lines)
    for number, line in enumerate(lines):
        match = _HEADER.match(line)
        if not match:
            end = number
            break
        entries.append(Entry(match[1], Scalar(match[2].strip(), number + 1, quoted=True), number + 1))
    return Table(tuple(entries), 1), end


def _typed(path: Path, table: Table) -> tuple[dict[str, Any], dict[str, int], tuple[tuple[str, int], ...]]:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    unknown = []
    borrowed: dict[str, Entry] = {}
    for entry in table.entries:
        key = entry.key.lower()
        if key in lines:
            raise ContentError(
                path, entry.line, f'the key "{key}" stands twice, first on line {lines[key]}', "keep one"
            )
        lines[key] = entry.line
        if key == "checks" and isinstance(entry.value, Table):
            lines |= {f"checks.{rule.key}": rule.line for rule in entry.value.entries}
        if key in SAME_AS:
            borrowed[SAME_AS[key]] = entry
        elif key in KEYS:
            values[key] = _READERS.get(key, _text)(path, key, entry.value)
        elif key == "draft" and isinstance(entry.value, Scalar) and entry.value.text.lower() in ("true", "yes"):
            values.setdefault("status", Status.DRAFT)
        elif key not in FOREIGN:
            unknown.append((entry.key, entry.line))
    for key, entry in borrowed.items():
        if not values.get(key) and isinstance(entry.value, Scalar):
            values[key] = entry.value.text
    return {key: value for key, value in values.items() if value not in (None, "")}, lines, tuple(unknown)


def _text(path: Path, key: str, value: Value) -> str:
    if isinstance(value, Items) and key == "author":
        return ", ".join(_scalar(path, key, item).text for item in value.values)
    scalar = _scalar(path, key, value)
    if scalar.comment and scalar.text:
        raise ContentError(
            path, scalar.line, f'{key}: read "{scalar.text}", and "{scalar.comment[:40]}" as a comment',
            f"put the whole in quotes: {key}: '…'",
        )  # fmt: skip
    text = scalar.text or scalar.comment
    return " ".join(text.split())


def _scalar(path: Path, key: str, value: Value) -> Scalar:
    if not isinstance(value, Scalar):
        raise ContentError(
            path, value.line, f"{key}: expected a text, found {kind(value)}", f"put it in quotes: {key}: '…'"
        )
    return value


def _status(path: Path, key: str, value: Value) -> Status:
    scalar = _scalar(path, key, value)
    word = scalar.text.strip().lower()
    if word in ("", "published"):
        return Status.READY
    if word not in list(Status):
        raise ContentError(path, scalar.line, f'status: found "{word[:40]}"', "expected draft, ready or hold")
    return Status(word)


def _diagram(path: Path, key: str, value: Value) -> str:
    scalar = _scalar(path, key, value)
    word = scalar.text.strip().lower() or "text"
    if word not in ("text", "image"):
        raise ContentError(path, scalar.line, f'{key}: found "{word[:40]}"', "expected text or image")
    return word


def _number(path: Path, key: str, value: Value) -> int | None:
    scalar = _scalar(path, key, value)
    if scalar.text and not re.fullmatch(r"\d{1,9}", scalar.text):
        raise ContentError(
            path, scalar.line, f'{key}: expected a whole number, found "{scalar.text[:40]}"', f"{key}: 7"
        )
    return int(scalar.text) if scalar.text else None


def read_moment(text: str) -> Moment:
    """A day, or a wall time (an offset behind it is dropped: the publication's zone decides); else ValueError."""
    wall = _WALL.sub(r"\1T\2", text)
    return datetime.fromisoformat(wall) if "T" in wall else date.fromisoformat(wall)


def _tags(path: Path, key: str, value: Value) -> tuple[str, ...]:
    if isinstance(value, Items):
        return tuple(_scalar(path, key, item).text for item in value.values)
    return tuple(word.strip() for word in _scalar(path, key, value).text.split(",") if word.strip())


def _vars(path: Path, key: str, value: Value) -> dict[str, str]:
    if isinstance(value, Scalar) and not value.text:
        return {}
    if not isinstance(value, Table):
        raise ContentError(
            path, value.line, f"vars: expected keys and values, found {kind(value)}", "vars: then lines  key: value"
        )
    return {entry.key: _text(path, f"{key}.{entry.key}", entry.value) for entry in value.entries}


def _checks(path: Path, key: str, value: Value) -> dict[str, str]:
    """Rules that are silenced, each with the reason; one in a mere list has none, which is a finding later."""
    if isinstance(value, Table):
        return {entry.key: _text(path, f"{key}.{entry.key}", entry.value) for entry in value.entries}
    return dict.fromkeys(_tags(path, key, value), "")


_READERS: Mapping[str, Callable[[Path, str, Value], Any]] = {
    "status": _status, "number": _number, "tags": _tags, "diagram": _diagram, "vars": _vars, "checks": _checks,
}  # fmt: skip
