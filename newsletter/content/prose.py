"""Which characters of a Markdown text are prose: code and comments blanked, every other character in its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PREFIX = r"\s*(?:(?:[-*+]|\d{1,9}[.)])\s+|>\s?)*"  # a fence may stand in a list item or a quotation
_OPENING = re.compile(rf"{_PREFIX}(?P<fence>`{{3,}}(?=[^`]*$)|~{{3,}})")
_CLOSING = re.compile(r"[\s>]*(?P<fence>`{3,}|~{3,})\s*$")
_LIST_ITEM = re.compile(r"\s{0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
_RAW = re.compile(r"<(?P<name>pre|code|script|style|textarea)\b[^<>]{0,999}>", re.IGNORECASE)
_NOT_BREAK = re.compile(r"[^\n]")
_TICKS = re.compile(r"\\`|`+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True)
class Prose:
    """A Markdown text with its code blanked: `text` has the length and the lines of the original.

    `unclosed` is the 0-based line of a code fence that is never closed; what follows it was not taken for code.
    """

    text: str
    unclosed: int | None = None


def prose_of(markdown: str, *, spans: bool = True, comments: bool = False) -> Prose:
    """`markdown` without fenced and indented code, HTML comments (unless `comments`), `<pre>` and its like, and
    (if `spans`) `code` spans.

    Time is linear in the length of the text, whatever it holds.
    """
    lines = markdown.split("\n")
    unclosed = _blank_fences(lines)
    _blank_indented(lines)
    text = "\n".join(lines)
    text = _blank_raw(text if comments else _blank_comments(text))
    return Prose(_blank_spans(text) if spans else text, unclosed)


def blank(text: str) -> str:
    """As many spaces as `text` has characters, its line ends kept."""
    return _NOT_BREAK.sub(" ", text)


def _blank_fences(lines: list[str]) -> int | None:
    """Blank fenced code in `lines`; the line of the first fence that nothing closes."""
    unclosed: int | None = None
    hopeless: dict[str, int] = {}  # fence character -> length from which on no closing fence follows
    number = 0
    while number < len(lines):
        opening = _OPENING.match(lines[number])
        if opening and len(opening["fence"]) < hopeless.get(opening["fence"][0], 1 << 30):
            end = _closing(lines, number + 1, opening["fence"])
            if end is None:
                hopeless[opening["fence"][0]] = len(opening["fence"])
                unclosed = number if unclosed is None else unclosed
            else:
                lines[number : end + 1] = [" " * len(line) for line in lines[number : end + 1]]
                number = end
        number += 1
    return unclosed


def _closing(lines: list[str], start: int, fence: str) -> int | None:
    for number in range(start, len(lines)):
        match = _CLOSING.match(lines[number])
        if match and match["fence"][0] == fence[0] and len(match["fence"]) >= len(fence):
            return number
    return None


def _blank_indented(lines: list[str]) -> None:
    """Blank lines indented by four after an empty line, unless a list is open (there they are its paragraphs)."""
    after_empty, in_list, in_code = True, False, False
    for number, line in enumerate(lines):
        if not line.strip():
            after_empty = True
            continue
        indented = line.startswith(("    ", "\t"))
        if indented and not in_list and (after_empty or in_code):
            lines[number], in_code = " " * len(line), True
        else:
            in_code = False
            if _LIST_ITEM.match(line):
                in_list = True
            elif after_empty and not line.startswith((" ", "\t")):
                in_list = False
        after_empty = False


def _blank_comments(text: str) -> str:
    parts, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts += [text[position:start], blank(text[start : end + 3])]
        position = end + 3
    return "".join(parts) + text[position:]


def _blank_raw(text: str) -> str:
    parts, position, lower = [], 0, text.lower()
    if len(lower) != len(text):  # a few letters grow when lowered; then only lower case tags are found
        lower = text
    for match in _RAW.finditer(text):
        if match.start() < position:
            continue
        end = lower.find(f"</{match['name'].lower()}", match.end())
        if end < 0:
            break
        parts += [text[position : match.end()], blank(text[match.end() : end])]
        position = end
    return "".join(parts) + text[position:]


def _blank_spans(text: str) -> str:
    """Blank code between backticks: a run of backticks up to the next run of the same length in its paragraph."""
    parts, position = [], 0
    for start, end in _spans(text):
        parts += [text[position:start], blank(text[start:end])]
        position = end
    return "".join(parts) + text[position:]


def _spans(text: str) -> list[tuple[int, int]]:
    found, begin = [], 0
    for end in [match.start() for match in _BLANK_LINE.finditer(text)] + [len(text)]:
        runs = [(match.start(), match.end()) for match in _TICKS.finditer(text, begin, end) if match[0][0] == "`"]
        later: dict[int, list[int]] = {}  # length of a run -> the indices of the runs that long, last first
        for index in range(len(runs) - 1, -1, -1):
            later.setdefault(runs[index][1] - runs[index][0], []).append(index)
        index = 0
        while index < len(runs):
            same = later[runs[index][1] - runs[index][0]]
            while same and same[-1] <= index:
                same.pop()
            if same:
                found.append((runs[index][0], runs[same[-1]][1]))
                index = same[-1]
            index += 1
        begin = end
    return found
