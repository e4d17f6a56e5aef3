"""The author's artefact: what one Markdown file in `issues/` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from newsletter.content.snippets import Origin
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

    `slot` is the local wall time (or just the day) that the author pinned the issue to; it has no zone, since the
    publication's `[schedule] timezone` gives it one. `diagram` is `image` where diagrams are to be drawn as pictures.
    `checks` are the rules that the author silences, each with the reason. `text` is the whole file, `body_line` the
    1-based line of it on which `body` starts, and `key_lines` the line of each front matter key (`checks.RULE` for
    those in `checks`), so that findings can point into the file. Where snippets were put into `body`, its lines are
    counted with them: `origins` lead back to the files.
    """

    path: Path
    slug: str
    subject: str
    body: str
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
    diagram: str = "text"
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
    origins: tuple[Origin, ...] = field(default=(), repr=False)
    snippets: tuple[Path, ...] = ()

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

    def really_at(self, finding: Finding) -> Finding:
        """The finding where it really stands: in the snippet that its line came from, or on the file's own line."""
        if finding.file != self.file or not finding.line:
            return finding
        origin = next((one for one in reversed(self.origins) if one.start <= finding.line), None)
        if origin is None:
            return finding
        column = max(1, finding.column - origin.indent) if finding.column else finding.column
        return replace(finding, file=origin.file, line=origin.line + finding.line - origin.start, column=column)

    def counted(self, file: str, line: int) -> int | None:
        """The line of the body as it is counted with its snippets, for a line of `file`; None where it is not in it."""
        if not self.origins:
            return line if file == self.file else None
        ends = [*(one.start for one in self.origins[1:]), 1 << 31]
        for origin, end in zip(self.origins, ends, strict=True):
            here = origin.start + line - origin.line
            if origin.file == file and origin.start <= here < end:
                return here
        return line if file == self.file and line < self.body_line else None

    def line_of(self, key: str) -> int:
        """The line of a front matter key, or 1 where the key is not written."""
        return self.key_lines.get(key, 1)
