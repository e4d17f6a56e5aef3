"""What every command prints: data on stdout, messages on stderr, one JSON object with `--json`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from newsletter.errors import NewsletterError
from newsletter.logs import writing
from newsletter.masks import Mask

if TYPE_CHECKING:
    from newsletter.publication import Publication

_LOG = logging.getLogger(__name__)


@dataclass
class Output:
    """The global options of one call, and what it has to say.

    Where nobody can take what it says (`| head`, a full disk) the work goes on all the same: a broadcast must not stop
    half-way because of its report. No secret that the publication has is in anything it says.
    """

    command: str = ""
    folder: Path | None = None
    json: bool = False
    debug: bool = False
    warnings: list[str] = field(default_factory=list)
    exit_code: int = 0
    ended: bool = False
    log_format: str = ""  # `json`: messages are lines of the log; empty: as [logs] has it
    mask: Mask = field(default_factory=Mask)
    _lines: bool = False  # messages are lines of the log by now
    _logging: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _unheard: Exception | None = None

    def work_on(self, publication: Publication) -> None:
        """From now on keep the publication's secrets to ourselves, and log as its `[logs]` has it."""
        from newsletter.config.masking import mask_of

        config = publication.config.logs
        self.log_format = self.log_format or config.format
        self.mask = mask_of(publication.config)
        self._lines = self.log_format == "json" and not self.json
        self._logging.enter_context(
            writing(
                self.mask.strictly,
                folder=publication.state / "logs" if config.file else None,
                keep=config.keep,
                lines=self._lines,
            )
        )

    def result(self, data: Mapping[str, Any], lines: Iterable[str], *, ok: bool = True) -> None:
        """End a command: `data` with `--json`, else `lines` for people. Not `ok` is exit code 1."""
        self.exit_code, self.ended = 0 if ok else 1, True
        if self.json:
            self._write({"ok": ok, "command": self.command, "data": dict(data), "warnings": self.warnings})
        else:
            for line in lines:
                self.line(line)

    def event(self, name: str, data: Mapping[str, Any], line: str, message: str = "") -> None:
        """One step of long work: an NDJSON line with `--json`, else a line on stderr. The log says `message`."""
        _LOG.info(message or line or name, extra={"about": {} if message or line else dict(data)})
        if self.json:
            self._write({"event": name, **data})
        else:
            self._tell(line)

    def warn(self, message: str) -> None:
        """Something to know that does not stop the command."""
        self.warnings.append(message)
        _LOG.warning(message)
        if not self.json:
            self._tell(f"warning: {message}")

    def line(self, line: str) -> None:
        """A line of data, on stdout."""
        if self._unheard is None:
            try:
                print(self.mask(line), flush=True)
            except (OSError, ValueError) as error:
                self._unheard = error

    def say(self, line: str) -> None:
        """A message for people, on stderr."""
        _LOG.info(line)
        self._tell(line)

    def trace(self) -> None:
        """The traceback of the exception in hand, on stderr."""
        _LOG.error("traceback", exc_info=True)
        self._tell(traceback.format_exc().rstrip())

    def failure(self, error: NewsletterError) -> None:
        """End a command badly, in one or two lines."""
        self.ended = True
        if self.json:
            _LOG.error(error.message, extra={"about": {"code": error.code, "hint": error.hint}})
            message, hint = self.mask.strictly(error.message), self.mask.strictly(error.hint)
            self._write({"ok": False, "error": {"code": error.code, "message": message, "hint": hint}})
        else:
            self.trouble(error)

    def trouble(self, error: NewsletterError) -> None:
        """An error in one part of the work while the rest goes on; with `--json` it is told in the data."""
        _LOG.error(error.message, extra={"about": {"code": error.code, "hint": error.hint}})
        if not self.json:
            self._tell(f"error: {error.message}")
            if error.hint:
                self._tell(f"  hint: {error.hint}")

    def closed(self, code: int) -> int:
        """The exit code at the very end: `code`, or 1 where all went well but the disk has no room for the report."""
        self._logging.close()
        if self._unheard is None:
            return code
        _silence(sys.stdout)
        if isinstance(self._unheard, BrokenPipeError):
            return code
        self._tell(f"error: the output cannot be written: {getattr(self._unheard, 'strerror', self._unheard)}")
        return code or 1

    def _tell(self, line: str) -> None:
        """A line on stderr, unless the log writes its own there."""
        if self._lines:
            return
        try:
            print(self.mask.strictly(line), file=sys.stderr, flush=True)
        except (OSError, ValueError):
            _silence(sys.stderr)

    def _write(self, value: Mapping[str, Any]) -> None:
        utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self.line(json.dumps(value, ensure_ascii=not utf8, default=str))


def _silence(stream: TextIO) -> None:
    """Let nobody hear what is left in a stream, else Python itself complains at exit that it could not be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
