"""Brackets that can open no link are set aside: python-markdown looks from each of them to the end of its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# Deeper than a picture with brackets in its description in a link, and so deep that nobody means a link.
MAX_HEIGHT = 8
# Titles may hold a lone bracket: `[a](b "(")`. So many of them may be in doubt in one text.
_MAX_DOUBTS = 50

# An address in angle brackets or a title may hold a `(` of its own.
_MAYBE = re.compile(r"\s*+(?:<|\S*+\s++[\"'])")
_TOKEN = re.compile(r"\\.|`+|[\[\]()]", re.DOTALL)


@dataclass
class _Open:
    """An open bracket at `position`; `height` is how many links could be nested in it; `link` tells `](` from `(`."""

    position: int
    link: bool = True
    height: int = 0


def hide_hopeless(text: str, bracket: str, paren: str, too_deep: Callable[[str], object] = str) -> str:
    """`text` with `bracket` for each `[` that has no `]`, and `paren` for each `(` behind `]` that has no `)`.

    Both also where links would be nested more than 8 deep: then `too_deep` is told the text. Brackets in code and
    behind a backslash count for nothing.
    """
    if "[" not in text:
        return text
    hidden: dict[int, str] = {}
    squares: list[_Open] = []
    rounds: list[_Open] = []
    for position, sign in _brackets(text):
        if sign == "[":
            squares.append(_Open(position))
        elif sign == "(":
            rounds.append(_Open(position, link=text[position - 1 : position] == "]"))
        else:
            stack, mark = (squares, bracket) if sign == "]" else (rounds, paren)
            _close(stack, mark, hidden)
    if hidden:
        too_deep(text)
    hidden |= dict.fromkeys((opened.position for opened in squares), bracket)
    hidden |= dict.fromkeys(_unclosed_links(text, rounds), paren)
    return _replaced(text, hidden)


def _close(stack: list[_Open], mark: str, hidden: dict[int, str]) -> None:
    if not stack:
        return
    closed = stack.pop()
    height = closed.height + closed.link
    if closed.link and height > MAX_HEIGHT:
        hidden[closed.position] = mark
    if stack:
        stack[-1].height = max(stack[-1].height, height)


def _unclosed_links(text: str, rounds: list[_Open]) -> list[int]:
    """The places of the `(` behind `]` that open no address; one that may be closed in a title is not among them."""
    found, doubts = [], 0
    for opened in rounds:
        if not opened.link:
            continue
        end = text.find(")", opened.position)
        rest = text[opened.position + 1 : end]
        if end >= 0 and doubts < _MAX_DOUBTS and _MAYBE.match(rest):
            doubts += 1
        else:
            found.append(opened.position)
    return found


def _brackets(text: str) -> list[tuple[int, str]]:
    """The brackets of `text` that are not in code and not escaped."""
    matches = list(_TOKEN.finditer(text))
    closer: dict[int, int] = {}
    last: dict[str, int] = {}
    for index in range(len(matches) - 1, -1, -1):
        run = matches[index][0]
        if run[0] == "`":
            closer[index] = last.get(run, index)
            last[run] = index
    found, index = [], 0
    while index < len(matches):
        run = matches[index][0]
        if run[0] == "`":
            index = closer[index]
        elif run[0] != "\\":
            found.append((matches[index].start(), run))
        index += 1
    return found


def _replaced(text: str, marks: dict[int, str]) -> str:
    pieces: list[str] = []
    position = 0
    for at in sorted(marks):
        pieces += (text[position:at], marks[at])
        position = at + 1
    return "".join((*pieces, text[position:]))
