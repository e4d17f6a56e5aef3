"""The one shape of everything that a reading, a rendering or a rule has to say about an issue."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is. Only an error keeps an issue from being approved or sent."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """One thing found: where (file, 1-based line and column of the Markdown), what, and how to mend it."""

    rule: str
    severity: Severity
    message: str
    file: str = ""
    line: int | None = None
    column: int | None = None
    fix: str = ""

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(part for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values for `--json`."""
        return asdict(self) | {"severity": self.severity.value}
