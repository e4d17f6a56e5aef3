"""What every command prints: data on stdout, messages on stderr, one JSON object with `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from newsletter.errors import NewsletterError


@dataclass
class Output:
    """The global options of one call, and what it has to say."""

    command: str = ""
    folder: Path | None = None
    json: bool = False
    debug: bool = False
    warnings: list[str] = field(default_factory=list)
    exit_code: int = 0

    def result(self, data: Mapping[str, Any], lines: Iterable[str], *, ok: bool = True) -> None:
        """End a command: `data` with `--json`, else `lines` for people. Not `ok` is exit code 1."""
        self.exit_code = 0 if ok else 1
        if self.json:
            self._write({"ok": ok, "command": self.command, "data": dict(data), "warnings": self.warnings})
        else:
            for line in lines:
                print(line)

    def event(self, name: str, data: Mapping[str, Any], line: str) -> None:
        """One step of long work: an NDJSON line with `--json`, else a line on stderr."""
        if self.json:
            self._write({"event": name, **data})
        else:
            self.say(line)

    def warn(self, message: str) -> None:
        """Something to know that does not stop the command."""
        self.warnings.append(message)
        if not self.json:
            self.say(f"warning: {message}")

    def say(self, line: str) -> None:
        """A message for people, on stderr."""
        print(line, file=sys.stderr, flush=True)

    def failure(self, error: NewsletterError) -> None:
        """End a command badly, in one or two lines."""
        if self.json:
            self._write({"ok": False, "error": {"code": error.code, "message": error.message, "hint": error.hint}})
            return
        self.say(f"error: {error.message}")
        if error.hint:
            self.say(f"  hint: {error.hint}")

    def _write(self, value: Mapping[str, Any]) -> None:
        print(json.dumps(value, ensure_ascii=False, default=str), flush=True)
