"""What the readers of exports share: moments, rows of CSV, JSON, front matter as mere texts."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from newsletter.errors import NewsletterError
from newsletter.moving.tree import Tree

_HEADER = re.compile(r"([A-Za-z][\w-]*)\s*:\s*(.*)$")


def moment_of(text: object) -> datetime | None:
    """The moment that a text means: ISO 8601 in the shapes that programs write, Unix milliseconds; None for none.

    Aware in UTC where it says its offset, else naive.
    """
    if isinstance(text, int | float) or (isinstance(text, str) and re.fullmatch(r"\d{12,14}", text)):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    words = str(text or "").strip()
    words = re.sub(r"\s*(?:UTC|GMT|Z)$", "+00:00", words)
    words = re.sub(r"\s+([+-]\d\d):?(\d\d)$", r"\1:\2", words)
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        try:
            found = datetime.combine(date.fromisoformat(words[:10]), time(12))
        except ValueError:
            return None
    if "T" not in words and ":" not in words:
        found = found.replace(hour=12)  # a day alone: noon is on that day in nearly every zone
    return found.astimezone(UTC) if found.tzinfo else found


def rows_of(tree: Tree, name: str) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of its columns (small letters); raises NewsletterError where it is none."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a post in one field may be long
    reader = csv.DictReader(io.StringIO(tree.text(name), newline=""))
    try:
        return [
            {(key or "").strip().lower(): value or "" for key, value in row.items() if not isinstance(value, list)}
            for row in reader
        ]
    except csv.Error as error:
        raise NewsletterError(f"{tree.path}: {name}:{reader.line_num}: {error}", "make the export anew") from None


def json_of(tree: Tree, name: str) -> Any:
    """What a JSON file holds; raises NewsletterError with the line where it is none."""
    try:
        return json.loads(tree.text(name))
    except json.JSONDecodeError as error:
        raise NewsletterError(f"{tree.path}: {name}:{error.lineno}: no JSON: {error.msg}", "make it anew") from None
    except RecursionError:
        raise NewsletterError(f"{tree.path}: {name} is nested too deeply", "make the export anew") from None


def front_of(tree: Tree, name: str) -> tuple[Mapping[str, Any], str]:
    """Front matter (keys in small letters, scalars as texts) and body of a Markdown file in any of the four dialects.

    Raises NewsletterError with file and line for what is none.
    """
    text = tree.text(name)
    lines = text.split("\n")
    fence = lines[0].rstrip() if lines else ""
    if fence in ("---", "+++", "{"):
        closing = "}" if fence == "{" else fence
        end = next((at for at, line in enumerate(lines) if at and line.rstrip() == closing), 0)
        if end:
            inner = "\n".join(lines[1:end])
            return _lowered(_parsed(tree, name, fence, inner)), "\n".join(lines[end + 1 :])
        return {}, text
    found: dict[str, Any] = {}
    for at, line in enumerate(lines):
        match = _HEADER.match(line)
        if not match:
            return (found, "\n".join(lines[at:])) if found and not line.strip() else ({}, text)
        found[match[1].lower()] = match[2].strip()
    return {}, text


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts, however it was written: a list, or words between commas."""
    if isinstance(value, list | tuple):
        return tuple(dict.fromkeys(str(item).strip() for item in value if str(item).strip()))
    words = re.split(r"[,;]", str(value or ""))
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def one(front: Mapping[str, Any], *keys: str) -> str:
    """The first of these keys that holds a text."""
    values = (front.get(key) for key in keys)
    return next((" ".join(str(value).split()) for value in values if value and not isinstance(value, list | dict)), "")


def is_true(value: object) -> bool:
    """Whether a flag is set, in the words of any dialect."""
    return str(value).strip().lower() in ("true", "yes", "1", "on")


def _parsed(tree: Tree, name: str, fence: str, inner: str) -> Any:
    import yaml  # noqa: PLC0415

    try:
        if fence == "+++":
            return tomllib.loads(inner)
        if fence == "{":
            return json.loads("{" + inner + "}")
        return yaml.load(inner, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and tables only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        reason = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise NewsletterError(
            f"{tree.path}: {name}:{line}: the front matter cannot be read: {reason}", "mend it there"
        ) from None


def _lowered(found: Any) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in found.items()} if isinstance(found, dict) else {}


def named(tree: Tree, wanted: str) -> Iterator[str]:
    """The files of this name, in whatever folder."""
    return (name for name in tree.names if name == wanted or name.endswith(f"/{wanted}"))
