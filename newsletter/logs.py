"""Logs for machines: JSON lines with what they are about, and no secret in them.

Modules log through `logging.getLogger(__name__)`; what a line is about (broadcast, batch, slot) is bound around the
work with `about()`. Nothing is written until `writing()` says where to.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

ROOT = "newsletter"
_ABOUT: ContextVar[Mapping[str, object]] = ContextVar("about", default={})  # noqa: B039 - never changed in place
logging.getLogger(ROOT).addHandler(logging.NullHandler())  # a library says nothing until it is asked to
_DEAD = "newsletter-threads"
_FOREIGN = ("uvicorn", "apscheduler", "urllib3", _DEAD)  # whose warnings belong to ours


@contextlib.contextmanager
def about(**what: object) -> Iterator[None]:
    """Say what the lines logged within the `with`, in this thread, are about."""
    token = _ABOUT.set({**_ABOUT.get(), **what})
    try:
        yield
    finally:
        _ABOUT.reset(token)


class JsonLines(logging.Formatter):
    """One JSON object a line: `at`, `level`, `from`, `message`, what it is about, and the `error` if there is one."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record; whatever is in it went through the mask."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "about", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return self._mask(json.dumps(line, ensure_ascii=False, default=str))


class DailyFile(logging.Handler):
    """Lines into `folder/newsletter-DATE.log`, of which `keep` days are kept. Several processes may share it."""

    def __init__(self, folder: Path, keep: int) -> None:
        super().__init__()
        self._folder, self._keep = folder, keep
        self._day, self._file = "", -1

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line with one write, which no other process's line can break; a full disk stops no broadcast."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            day = f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%d}"
            if day != self._day:
                self._turn_to(day)
            os.write(self._file, line)
        except OSError:
            self._day = ""

    def close(self) -> None:
        """Close the day's file."""
        if self._file >= 0:
            os.close(self._file)
        self._day, self._file = "", -1
        super().close()

    def _turn_to(self, day: str) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"newsletter-{day}.log"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._day = day
        for old in sorted(self._folder.glob("newsletter-????-??-??.log"))[: -self._keep]:
            old.unlink(missing_ok=True)


class _Stderr(logging.Handler):
    """Lines to stderr; nobody who listens is no error."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError):
            print(self.format(record), file=sys.stderr, flush=True)


class _Words(logging.Formatter):
    """The message, and the traceback if there is one."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(super().format(record))


@contextlib.contextmanager
def writing(
    mask: Callable[[str], str], *, folder: Path | None = None, keep: int = 14, lines: bool = False
) -> Iterator[None]:
    """Write what is logged to files in `folder`, if one is given, and as JSON `lines` to stderr, if that is wanted.

    Without lines, stderr gets the warnings of other programs, and what a thread dies of, as plain words. All is masked.
    """
    handlers: list[logging.Handler] = [DailyFile(folder, keep)] if folder else []
    handlers += [_Stderr()] if lines else []
    plain = _Stderr()
    plain.setFormatter(_Words(mask))
    ours = logging.getLogger(ROOT)
    before = ours.level, ours.propagate, threading.excepthook
    for handler in handlers:
        handler.setFormatter(JsonLines(mask))
        handler.addFilter(_add_about)
    loggers = {logging.getLogger(name): handlers + ([] if lines else [plain]) for name in _FOREIGN} | {ours: handlers}
    for logger, theirs in loggers.items():
        for handler in theirs:
            logger.addHandler(handler)
    ours.propagate = False  # what we say for people is said already
    ours.setLevel(logging.INFO if handlers else logging.WARNING)
    threading.excepthook = _log_the_dead
    try:
        yield
    finally:
        level, ours.propagate, threading.excepthook = before
        ours.setLevel(level)
        for logger, theirs in loggers.items():
            for handler in theirs:
                logger.removeHandler(handler)
                handler.close()


def _add_about(record: logging.LogRecord) -> bool:
    record.about = {**_ABOUT.get(), **getattr(record, "about", {})}
    return True


def _log_the_dead(dead: threading.ExceptHookArgs) -> None:
    name = dead.thread.name if dead.thread else "a thread"
    if dead.exc_value is not None:
        found = (dead.exc_type, dead.exc_value, dead.exc_traceback)
        logging.getLogger(_DEAD).error("%s died: %s", name, dead.exc_value, exc_info=found)
