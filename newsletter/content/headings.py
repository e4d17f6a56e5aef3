"""The heading that names an issue: found in its Markdown, and taken out of it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from newsletter.content.prose import prose_of

_ATX = re.compile(r" {0,3}#[ \t]+(?P<text>.*)$")
_SETEXT = re.compile(r" {0,3}=+[ \t]*$")
_CLOSING_MARKS = re.compile(r"(?<=[ \t])#+[ \t]*$")
_LONGEST_MARKED_UP = 1000  # characters; a longer heading keeps its marks
_MARKS = (
    (re.compile(r"!\[([^\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),  # an image is its description
    (re.compile(r"\[([^\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])"), r"\1"),  # a link is its text
    (re.compile(r"(`+)(.+?)\1"), r"\2"),
    (re.compile(r"(?<!\\)(\*{1,3})(?=\S)(.+?)(?<=[^\s\\])\1"), r"\2"),
    (re.compile(r"(?<![\w\\])(_{1,3})(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)"), r"\2"),
    (re.compile(r"</?(?:a|abbr|b|br|code|del|em|i|img|ins|kbd|mark|s|small|span|strong|sub|sup|u)\b[^<>]*>", re.I), ""),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)


@dataclass(frozen=True)
class Heading:
    """A first level heading: its plain text, and its lines in the body (0-based, `end` excluded)."""

    text: str
    start: int
    end: int
    first: bool  # nothing but empty lines stands before it
    only: bool  # there is no other first level heading


def first_heading(body: str) -> Heading | None:
    """The first first-level heading, `# like this` or underlined with `===`; None where there is none."""
    lines, prose = body.split("\n"), prose_of(body, spans=False).text.split("\n")
    found = [span for number in range(len(prose)) if (span := _heading_at(prose, number))]
    if not found:
        return None
    start, end = found[0]
    text = lines[start] if end > start + 1 else _ATX.match(lines[start])["text"]  # type: ignore[index]
    return Heading(plain(text), start, end, not "".join(lines[:start]).strip(), len(found) == 1)


def _heading_at(prose: list[str], number: int) -> tuple[int, int] | None:
    line = prose[number]
    if _ATX.match(line) and line.strip().strip("#").strip():
        return number, number + 1
    below = prose[number + 1] if number + 1 < len(prose) else ""
    alone = number == 0 or not prose[number - 1].strip()
    if alone and line.strip() and not line.startswith(("    ", "\t")) and _SETEXT.match(below):
        return number, number + 2
    return None


def plain(markdown: str) -> str:
    """One line of Markdown as plain text: `The *new* [site](https://…)` -> `The new site`."""
    text = _CLOSING_MARKS.sub("", markdown.strip()).strip()
    text = re.sub(r"\s*\{:?\s*#[\w-]+\s*\}$", "", text)
    if len(text) <= _LONGEST_MARKED_UP:
        for pattern, replacement in _MARKS:
            text = pattern.sub(replacement, text)
    return html.unescape(text).replace("\xad", "")


def without(body: str, heading: Heading) -> str:
    """`body` with the lines of `heading` emptied: every other line keeps its number."""
    lines = body.split("\n")
    lines[heading.start : heading.end] = [""] * (heading.end - heading.start)
    return "\n".join(lines)
