"""Issues of any length, made of the publication's sample issues: the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from newsletter.content.issue import Issue
from newsletter.content.reader import read_issue

ROOT = Path(__file__).parents[1]
LENGTHS = ("1,500 words", "40 KB", "400 KB")
_SECTION = re.compile(r"^(?=## )", re.MULTILINE)


def issue_of(length: str, turn: int = 0) -> Issue:
    """An issue of one of LENGTHS: sections of the sample issues, from the `turn`-th on, until it is long enough."""
    size = 1_500 if "words" in length else int(length.split(maxsplit=1)[0]) * 1_000
    sections, reached = list[str](), 0
    for section in islice(_sections(), turn, None):
        if reached >= size:
            break
        sections.append(section)
        reached += len(section.split()) if "words" in length else len(section.encode())
    return replace(_samples()[0], body="".join(sections))


def _sections() -> Iterator[str]:
    """The sections without end; from the second round on, their headings carry its number, so that ids differ."""
    bodies = ["\n\n".join(_SECTION.split(issue.body)) for issue in _samples()]
    number = 1
    while True:
        for body in bodies:
            for section in _SECTION.split(body):
                yield section if number == 1 else re.sub(r"^(## .*)$", rf"\1, {number}", section, flags=re.MULTILINE)
        number += 1


def _samples() -> list[Issue]:
    return [read_issue(path) for path in sorted((ROOT / "issues").glob("*.md"))]
