"""The author's artefact: what one Markdown file in `issues/` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from newsletter.finding import Finding


class Status(StrEnum):
    """What the author says of the issue; only `ready` may be approved."""

    DRAFT = "draft"
    READY = "ready"
    HOLD = "hold"


Moment = date | datetime  # a day, or a wall time without zone


@dataclass(frozen=True)
class Issue:
    """A Markdown file, read: front matter, body, and where each came from.

    `subjects` are those that are tested against each other, `subject` is the first of them. `slot` is the local wall
    time (or just the day) that the author pinned the issue to; it has no zone, since the publication's
    `[schedule] timezone` gives it one. `checks` are the rules that the author silences, each with the reason. `text` is
    the whole file, `body_line` the 1-based line of it on which `body` starts, and `key_lines` the line of each front
    matter key (`checks.RULE` for those in `checks`), so that findings can point into the file.
    """

    path: Path
    slug: str
    subject: str
    body: str
    subjects: tuple[str, ...] = ()
    title: str = ""
    subtitle: str = ""
    preheader: str = ""
    author: str = ""
    status: Status = Status.READY
    date: Moment | None = None
    slot: Moment | None = None
    number: int | None = None
    tags: tuple[str, ...] = ()
    language: str = ""
    template: str = ""
    segment: str = ""
    correction_of: str = ""
    send_to_missed: str = ""
    next: str = ""
    vars: Mapping[str, str | int | float | bool] = field(default_factory=lambda: MappingProxyType({}))
    checks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    text: str = field(default="", repr=False)
    body_line: int = 1
    key_lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    source_digest: str = ""
    notes: tuple[Finding, ...] = ()

    @property
    def relation(self) -> tuple[str, str]:
        """`got` or `missed`, and the slug of the issue that its readers got or missed; empty where it is for all."""
        if self.correction_of:
            return "got", self.correction_of
        return ("missed", self.send_to_missed) if self.send_to_missed else ("", "")

    @property
    def file(self) -> str:
        """The file's name as findings and messages show it."""
        return f"{self.path.parent.name}/{self.path.name}" if self.path.parent.name else self.path.name

    def line_of(self, key: str) -> int:
        """The line of a front matter key, or 1 where the key is not written."""
        return self.key_lines.get(key, 1)
