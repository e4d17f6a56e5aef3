"""What every command prints: data on stdout, messages on stderr, one JSON object with `--json`."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from newsletter.errors import NewsletterError


@dataclass
class Output:
    """The global options of one call, and what it has to say.

    Where nobody can take what it says (`| head`, a full disk) the work goes on all the same: a broadcast must not stop
    half-way because of its report.
    """

    command: str = ""
    folder: Path | None = None
    json: bool = False
    debug: bool = False
    warnings: list[str] = field(default_factory=list)
    exit_code: int = 0
    ended: bool = False
    _unheard: Exception | None = None

    def result(self, data: Mapping[str, Any], lines: Iterable[str], *, ok: bool = True) -> None:
        """End a command: `data` with `--json`, else `lines` for people. Not `ok` is exit code 1."""
        self.exit_code, self.ended = 0 if ok else 1, True
        if self.json:
            self._write({"ok": ok, "command": self.command, "data": dict(data), "warnings": self.warnings})
        else:
            for line in lines:
                self.line(line)

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

    def line(self, line: str) -> None:
        """A line of data, on stdout."""
        if self._unheard is None:
            try:
                print(line, flush=True)
            except (OSError, ValueError) as error:
                self._unheard = error

    def say(self, line: str) -> None:
        """A message for people, on stderr."""
        try:
            print(line, file=sys.stderr, flush=True)
        except (OSError, ValueError):
            _silence(sys.stderr)

    def failure(self, error: NewsletterError) -> None:
        """End a command badly, in one or two lines."""
        self.ended = True
        if self.json:
            self._write({"ok": False, "error": {"code": error.code, "message": error.message, "hint": error.hint}})
        else:
            self.trouble(error)

    def trouble(self, error: NewsletterError) -> None:
        """An error in one part of the work while the rest goes on; with `--json` it is told in the data."""
        if not self.json:
            self.say(f"error: {error.message}")
            if error.hint:
                self.say(f"  hint: {error.hint}")

    def closed(self, code: int) -> int:
        """The exit code at the very end: `code`, or 1 where all went well but the disk has no room for the report."""
        if self._unheard is None:
            return code
        _silence(sys.stdout)
        if isinstance(self._unheard, BrokenPipeError):
            return code
        self.say(f"error: the output cannot be written: {getattr(self._unheard, 'strerror', self._unheard)}")
        return code or 1

    def _write(self, value: Mapping[str, Any]) -> None:
        utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self.line(json.dumps(value, ensure_ascii=not utf8, default=str))


def _silence(stream: TextIO) -> None:
    """Let nobody hear what is left in a stream, else Python itself complains at exit that it could not be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
