"""README and docs as the tests see them: fenced blocks, the commands in them, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]))
_FENCE = re.compile(r"\s*(`{3,})(\w*)\s*$")
_OURS = re.compile(r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:newsletter|python3 -m newsletter) ")
_LINK = re.compile(r"(?<![!\\])\[[^\]]*\]\(([^()\s]+)\)")
_STOPS = frozenset({"|", "||", "&&", ";", ">", ">>", "&", "2>&1"})


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, and the line of the page on which it starts."""

    language: str
    lines: tuple[str, ...]
    line: int


def name(page: Path) -> str:
    """The page as a message shows it."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in its order."""
    fence, language, start, lines = "", "", 0, list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        match = _FENCE.match(line)
        if not fence and match:
            fence, language, start, lines = match[1], match[2], number, []
        elif fence and line.strip() == fence:
            yield Block(language, tuple(lines), start)
            fence = ""
        elif fence:
            lines.append(line)


def prose(text: str) -> str:
    """A page without its fenced blocks, every line in its place."""
    lines = text.split("\n")
    for block in blocks(text):
        lines[block.line - 1 : block.line + len(block.lines) + 1] = [""] * (len(block.lines) + 2)
    return "\n".join(lines)


def links(text: str) -> list[str]:
    """The targets of a page's links to other files and places of the repository."""
    found = _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(text)))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """What a link to a heading of the page may name, as code hosts make it."""
    headings = re.findall(r"^#{1,6} (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, words) of each call of the program in a block that a reader would paste into a shell."""
    for block in blocks(text):
        if block.language not in ("sh", "console"):
            continue
        for number, line in enumerate(block.lines, start=block.line + 1):
            if match := _OURS.match(line.strip()):
                yield number, words(line.strip()[match.end() :])


def words(line: str) -> list[str]:
    """A line of shell as words, up to a pipe or the like, without comments."""
    found = shlex.split(line, comments=True)
    stop = next((number for number, word in enumerate(found) if word in _STOPS), len(found))
    return found[:stop]
