"""YAML as editors write it: every scalar keeps the text that was typed.

A plain value (`key: value`, no quotes) is taken by hand, up to the end of its line and the indented lines below it.
So `no`, `10:30`, `#1 tip` and `Rust 2.0: a review` mean what they say, where YAML 1.1 reads False, 630, nothing and
an error. Only what has YAML's own signs goes through PyYAML's parser: quoted texts, `|` and `>` blocks, `[a, b]`,
`{a: b}`.
Anchors, aliases, tags and merge keys are errors, since nobody needs them here and they can blow up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from newsletter.content.raw import Entry, Items, Scalar, Table, Value
from newsletter.errors import ContentError

LONGEST = 64 * 1024  # characters; far more than any front matter, far less than what makes a parser slow
_DEEPEST = 6
_QUOTED_KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*:(?:\s+(.*))?$""")
_PLAIN_KEY = re.compile(r"""([^\s"'#\[\]{}&*!|>%@`,?:-](?:[^:]|:(?!\s|$))*):(?:\s+(.*))?$""")
_TIGHT_KEY = re.compile(r"([A-Za-z_]+):(\S.*)$")
_QUOTED = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(?:\s#.*)?""", re.DOTALL)
_BLOCK = re.compile(r"[|>][+-]?\d?[+-]?\s*(?:#.*)?")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#(?=\s|$)")  # `# like this`; `#1` and `#rust` are text
_QUOTE_IT = "put the value in quotes: {key}: '…'"


@dataclass(frozen=True)
class _Chunk:
    """A key, what stands behind it, and the lines below that belong to it."""

    key: str
    rest: str
    line: int
    tail: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join([self.rest, *self.tail]).strip()


@dataclass(frozen=True)
class _Reader:
    path: Path
    text_keys: frozenset[str]  # lower-case keys whose value is one text: `[`, `*` and their like mean themselves there


def read_yaml(path: Path, text: str, first_line: int, text_keys: frozenset[str]) -> Table:
    """The table that `text` holds; `first_line` is the 1-based line of the file on which it starts.

    Raises ContentError with the line for anything that is not `key: value`.
    """
    if len(text) > LONGEST:
        raise ContentError(path, first_line, "over 64 KB of front matter", "is the line --- that ends it missing?")
    return _table(_Reader(path, text_keys), text.split("\n"), first_line, 1)


def _table(reader: _Reader, lines: list[str], first_line: int, depth: int) -> Table:
    if depth > _DEEPEST:
        raise ContentError(reader.path, first_line, "nested too deeply", f"at most {_DEEPEST} levels are read")
    chunks = _chunks(reader, lines, first_line)
    return Table(tuple(Entry(chunk.key, _value(reader, chunk, depth), chunk.line) for chunk in chunks), first_line)


def _chunks(reader: _Reader, lines: list[str], first_line: int) -> list[_Chunk]:
    """`lines` cut at the keys of the outermost level."""
    chunks: list[_Chunk] = []
    indent: str | None = None
    for number, line in enumerate(lines, start=first_line):
        if not line.strip() or (line.startswith("#") and not _key(line, reader)):
            if chunks:
                chunks[-1].tail.append("")
            continue
        if indent is None:
            indent = line[: len(line) - len(line.lstrip())]
            if "\t" in indent:
                raise ContentError(reader.path, number, "indented with a tab", "indent with spaces")
        if not line.startswith(indent):
            raise ContentError(reader.path, number, "indented less than the lines above", "align the keys")
        inner = line.removeprefix(indent)
        found = None if inner[0] in " \t" else _key(inner, reader)
        if found:
            chunks.append(_Chunk(*found, line=number))
        elif chunks:
            chunks[-1].tail.append(inner)
        else:
            raise _not_a_key(reader.path, number, inner)
    return chunks


def _key(line: str, reader: _Reader) -> tuple[str, str] | None:
    """Key and rest of `key: rest`; the space may be missing behind a key that we know."""
    if line.startswith("#"):
        return None
    match = _QUOTED_KEY.match(line) or _PLAIN_KEY.match(line)
    if match:
        key = match[1].strip()
        return (key[1:-1] if key[0] in "\"'" else key), (match[2] or "").strip()
    match = _TIGHT_KEY.match(line)
    return (match[1], match[2].strip()) if match and match[1].lower() in reader.text_keys else None


def _not_a_key(path: Path, line: int, text: str) -> ContentError:
    shown = text.strip()[:40]
    return ContentError(path, line, f'expected "key: value", found "{shown}"', "indent a line that goes on")


def _value(reader: _Reader, chunk: _Chunk, depth: int) -> Value:
    is_text = chunk.key.lower() in reader.text_keys
    head, tail = chunk.rest, [line for line in chunk.tail if line.strip()]
    if chunk.key == "<<":
        raise ContentError(reader.path, chunk.line, 'merge keys ("<<") are not read', "write the keys out")
    if not head or _COMMENT.match(head):
        if not tail:
            return Scalar("", chunk.line, comment=head)
        head = tail[0].strip()
        if head == "-" or head.startswith("- "):
            return _items(reader, chunk)
        if not is_text and _key(head, reader):
            return _table(reader, chunk.tail, chunk.line + 1, depth + 1)
    if _is_yaml(reader, chunk, head, is_text):
        return _parsed(reader, chunk)
    for number, line in enumerate(chunk.tail, start=chunk.line + 1):
        if line.strip() and line[0] not in " \t":
            raise _not_a_key(reader.path, number, line)
    return _plain([chunk.rest, *chunk.tail], chunk.line)


def _is_yaml(reader: _Reader, chunk: _Chunk, head: str, is_text: bool) -> bool:
    """Whether the value uses signs of YAML that only its parser can read."""
    text = chunk.text if chunk.rest and not _COMMENT.match(chunk.rest) else "\n".join(chunk.tail).strip()
    if head[0] in "\"'":
        if head[0] == '"' and text.count('"') == 1:
            raise ContentError(reader.path, chunk.line, f'{chunk.key}: the quote in {head[:40]} is not closed',
                               "close it, or put the whole in '…'")  # fmt: skip
        return _QUOTED.fullmatch(text) is not None
    if head[0] in "[{":
        return not is_text or {"[": "]", "{": "}"}[head[0]] not in text
    if head[0] in "&*!":
        return not is_text
    return _BLOCK.fullmatch(head) is not None


def _plain(lines: list[str], line: int) -> Scalar:
    """Lines of plain text as one: joined by a space, an empty line between them as a line end; comments cut off."""
    parts, comments = [], []
    for text in lines:
        match = _COMMENT.search(text)
        if match:
            comments.append(text[match.start() :].strip())
        parts.append((text[: match.start()] if match else text).strip(" \t"))
    folded = re.sub(
        r"\n+", lambda ends: " " if len(ends[0]) == 1 else "\n" * (len(ends[0]) - 1), "\n".join(parts).strip("\n")
    )
    return Scalar(folded, line, comment=" ".join(comments))


def _items(reader: _Reader, chunk: _Chunk) -> Items:
    """A list written as `- item` lines; an item is one text."""
    groups: list[tuple[int, list[str]]] = []
    for number, line in enumerate(chunk.tail, start=chunk.line + 1):
        text = line.strip()
        if text == "-" or text.startswith("- "):
            groups.append((number, [text[1:].strip()]))
        elif groups:
            groups[-1][1].append(line)
    values = []
    for number, lines in groups:
        item = _Chunk(chunk.key, lines[0], number, lines[1:])
        values.append(_parsed(reader, item) if item.text and _QUOTED.fullmatch(item.text) else _plain(lines, number))
    return Items(tuple(values), chunk.line)


def _parsed(reader: _Reader, chunk: _Chunk) -> Value:
    """The value of one key as PyYAML's parser sees it, still all text."""
    import yaml  # noqa: PLC0415  # most front matter never needs it

    text = "\n".join([f"x: {chunk.rest}", *chunk.tail]) + "\n"
    try:
        events = yaml.parse(text, Loader=yaml.BaseLoader)
        for _ in range(4):  # stream, document, mapping, the key x
            next(events)
        value = _built(reader, chunk, events, next(events), 1)
        if not isinstance(next(events), yaml.MappingEndEvent):
            raise ContentError(
                reader.path, chunk.line, f"{chunk.key}: more than one value", _QUOTE_IT.format(key=chunk.key)
            )
    except yaml.MarkedYAMLError as error:
        line = chunk.line + min(error.problem_mark.line if error.problem_mark else 0, len(chunk.text.split("\n")) - 1)
        problem = f"{chunk.key}: {error.problem or 'cannot be read as YAML'}, read {chunk.text[:40]!r}"
        raise ContentError(reader.path, line, problem, _QUOTE_IT.format(key=chunk.key)) from None
    except (yaml.YAMLError, ValueError, OverflowError):  # a character that YAML forbids, an escape beyond Unicode
        problem = f"{chunk.key}: holds a character that YAML does not allow"
        raise ContentError(reader.path, chunk.line, problem, "type it anew") from None
    return value


def _built(reader: _Reader, chunk: _Chunk, events: Iterator[Any], event: Any, depth: int) -> Value:
    import yaml  # noqa: PLC0415

    line = chunk.line + event.start_mark.line
    if isinstance(event, yaml.AliasEvent) or event.anchor or event.tag:
        what = f"{chunk.key}: anchors (&), aliases (*) and tags (!) are not read"
        raise ContentError(reader.path, line, what, _QUOTE_IT.format(key=chunk.key))
    if depth > _DEEPEST:
        raise ContentError(reader.path, line, f"{chunk.key}: nested too deeply", f"at most {_DEEPEST} levels are read")
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(_joined(event.value), line, quoted=event.style is not None)
    if isinstance(event, yaml.SequenceStartEvent):
        values = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            values.append(_built(reader, chunk, events, event, depth + 1))
        return Items(tuple(values), line)
    entries = []
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _built(reader, chunk, events, event, depth + 1)
        if not isinstance(key, Scalar):
            raise ContentError(reader.path, key.line, f"{chunk.key}: a key must be a text", "write key: value")
        entries.append(Entry(key.text, _built(reader, chunk, events, next(events), depth + 1), key.line))
    return Table(tuple(entries), line)


def _joined(text: str) -> str:
    r"""`text` with JSON's escapes such as `\ud83d\ude00` joined to one character; ValueError where half is missing."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16")
