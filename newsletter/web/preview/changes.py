"""What differs between two texts, as lines with their words: between the approved edition and the one of now."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any

_WORDS = re.compile(r"\s+|[^\s]+")
_CONTEXT = 1
_SHOWN = 300
_LONGEST = 8000  # characters of a pair of lines whose words are compared; that takes the square of their number


def changes(before: str, after: str) -> list[dict[str, Any]]:
    """The changed lines with one line around each.

    A row is `{"kind": same|added|removed|changed|gap, "words": [[mark, text]…]}`; a mark is `=`, `-` or `+`.
    """
    old, new = before.split("\n"), after.split("\n")
    rows: list[dict[str, Any]] = []
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT):
        if rows:
            rows.append({"kind": "gap", "words": []})
        for operation, a, b, c, d in group:
            rows += _rows(operation, old[a:b], new[c:d])
    return rows[:_SHOWN]


def _rows(operation: str, old: list[str], new: list[str]) -> list[dict[str, Any]]:
    if operation == "equal":
        return [{"kind": "same", "words": [["=", line]]} for line in new]
    paired = min(len(old), len(new))
    rows = [{"kind": "changed", "words": _words(a, b)} for a, b in zip(old, new, strict=False)]
    rows += [{"kind": "removed", "words": [["-", line]]} for line in old[paired:]]
    rows += [{"kind": "added", "words": [["+", line]]} for line in new[paired:]]
    return rows


def _words(before: str, after: str) -> list[list[str]]:
    if len(before) + len(after) > _LONGEST:
        return [["-", before], ["+", after]]
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    found: list[list[str]] = []
    for operation, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal":
            found.append(["=", "".join(new[c:d])])
            continue
        if b > a:
            found.append(["-", "".join(old[a:b])])
        if d > c:
            found.append(["+", "".join(new[c:d])])
    return found
