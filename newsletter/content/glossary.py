"""The glossary of a publication: `glossary.toml` or `glossary.yaml`, term -> definition and link."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from newsletter.content.files import decode, read_bytes
from newsletter.content.raw import Entry, Scalar, Table, Value, kind
from newsletter.content.yaml_text import read_yaml
from newsletter.errors import ContentError

FILE_NAMES = ("glossary.toml", "glossary.yaml", "glossary.yml")
KEYS = ("definition", "url", "term")
_WEB_ADDRESS = re.compile(r"https?://[^/\s]+\S*")
_TOML_LINE = re.compile(r"""\s*(?P<table>\[?)\s*(?P<key>"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*[\].=]""")
_SHAPE = 'expected a definition, or a table with "definition" and, if you like, "url" and "term"'


@dataclass(frozen=True)
class Term:
    """One term: the words as they are looked for in an issue, what they mean, where to learn more."""

    term: str
    definition: str
    url: str = ""


def read_glossary(folder: Path) -> Mapping[str, Term]:
    """The terms of the publication in `folder` by their keys, in the order of the file; none where there is no file.

    Raises ContentError with file and line for what cannot be meant: two files, broken TOML or YAML, a term twice or
    without definition, an unknown key, a link that is no web address.
    """
    found = [folder / name for name in FILE_NAMES if (folder / name).exists() or (folder / name).is_symlink()]
    if not found:
        return MappingProxyType({})
    if len(found) > 1:
        raise ContentError(found[1], None, f"there is {found[0].name} as well", "keep one glossary, delete the other")
    path = found[0]
    data = read_bytes(path)
    text = decode(path, data) if data.strip(b"\xef\xbb\xbf \t\r\n") else ""
    table = _toml(path, text) if path.suffix == ".toml" else read_yaml(path, text, 1, frozenset())
    return MappingProxyType(_terms(path, table))


def _terms(path: Path, table: Table) -> dict[str, Term]:
    terms: dict[str, Term] = {}
    lines: dict[str, int] = {}  # each way of writing a term -> the line of the entry that it belongs to
    for entry in table.entries:
        term = _term(path, entry)
        for name in {_fold(entry.key), _fold(term.term)}:
            if name in lines:
                message = f'"{entry.key}" is explained twice, first on line {lines[name]}'
                raise ContentError(path, entry.line, message, "keep one")
            lines[name] = entry.line
        terms[entry.key] = term
    return terms


def _term(path: Path, entry: Entry) -> Term:
    if not entry.key.strip():
        raise ContentError(path, entry.line, "a term without a name", 'write it before the "=": token = "…"')
    if isinstance(entry.value, Scalar):
        values = {"definition": _text(path, entry.key, entry)}
    elif isinstance(entry.value, Table):
        values = _values(path, entry.key, entry.value)
    else:
        raise ContentError(path, entry.line, f"{entry.key}: {_SHAPE}, found {kind(entry.value)}")
    if not values.get("definition"):
        raise ContentError(path, entry.line, f"{entry.key}: the definition is missing", "say what it means")
    return Term(values.get("term") or entry.key, values["definition"], values.get("url", ""))


def _values(path: Path, term: str, table: Table) -> dict[str, str]:
    values: dict[str, str] = {}
    for entry in table.entries:
        if entry.key not in KEYS:
            raise ContentError(path, entry.line, f'{term}: unknown key "{entry.key}"', _hint(term, entry))
        if entry.key in values:
            raise ContentError(path, entry.line, f'{term}: the key "{entry.key}" stands twice', "keep one")
        values[entry.key] = _text(path, f"{term}.{entry.key}", entry)
        if entry.key == "url" and values["url"] and not _WEB_ADDRESS.fullmatch(values["url"]):
            message = f'{term}.url: "{values["url"][:60]}" is no web address'
            raise ContentError(path, entry.line, message, "expected one such as https://example.org/page")
    return values


def _text(path: Path, name: str, entry: Entry) -> str:
    """The text of a value on one line; what looks like a comment behind a YAML text may be meant, so it is an error."""
    value = entry.value
    if not isinstance(value, Scalar):
        raise ContentError(path, value.line, f"{name}: expected a text, found {kind(value)}", "put it in quotes")
    if value.comment and value.text:
        message = f'{name}: read "{value.text[:40]}", and "{value.comment[:40]}" as a comment'
        raise ContentError(path, value.line, message, "put the whole in quotes")
    return " ".join(value.text.split())


def _hint(term: str, entry: Entry) -> str:
    near = difflib.get_close_matches(entry.key.lower(), KEYS, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    if isinstance(entry.value, Table):
        return f'a term with a dot stands in quotes: ["{term}.{entry.key}"]'
    return f"known keys: {', '.join(KEYS)}"


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def _toml(path: Path, text: str) -> Table:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = re.search(r" \(at line (\d+), column \d+\)", message)
        line = int(place[1]) if place else text.count("\n") + 1
        problem = message.replace(place[0], "") if place else message
        hint = 'texts, and terms with spaces, stand in quotes: ["context window"]'
        raise ContentError(path, line, f"not valid TOML: {problem}", hint) from None
    lines = _toml_lines(text)
    return Table(tuple(_toml_entry(path, (key,), value, lines, 1) for key, value in data.items()), 1)


def _toml_entry(
    path: Path, keys: tuple[str, ...], value: object, lines: Mapping[tuple[str, ...], int], above: int
) -> Entry:
    line = lines.get(keys, above)
    made: Value
    if isinstance(value, dict):
        entries = (_toml_entry(path, (*keys, key), item, lines, line) for key, item in value.items())
        made = Table(tuple(entries), line)
    elif isinstance(value, str):
        made = Scalar(value, line, quoted=True)
    else:
        name = ".".join(keys)
        raise ContentError(path, line, f"{name}: expected a text in quotes", f'such as {keys[-1]} = "…"')
    return Entry(keys[-1], made, line)


def _toml_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of each table and key by its path; TOML's parser does not keep it."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        match = _TOML_LINE.match(line)
        if not match:
            continue
        name = match["key"].strip("\"'")
        if match["table"]:
            table = (name,)
        lines.setdefault(table if match["table"] else (*table, name), number)
    return lines
