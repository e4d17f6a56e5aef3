"""What front matter says before anybody decides what it means: text, lists and tables, each with its line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scalar:
    """One value as the editor typed it. `quoted` tells `"5"` from `5`; `comment` is what was cut off behind ` # `."""

    text: str
    line: int
    quoted: bool = False
    comment: str = ""


@dataclass(frozen=True)
class Items:
    """A list."""

    values: tuple[Value, ...]
    line: int


@dataclass(frozen=True)
class Table:
    """Keys and values in the order of the file; a key may still stand twice."""

    entries: tuple[Entry, ...]
    line: int


@dataclass(frozen=True)
class Entry:
    """One key of a table with its value and the line of the key."""

    key: str
    value: Value
    line: int


Value = Scalar | Items | Table


def kind(value: Value) -> str:
    """The word for a value in a message."""
    return {Scalar: "a text", Items: "a list", Table: "a table"}[type(value)]
