"""Progress of a broadcast or of an import: a bar on a terminal, plain lines elsewhere, NDJSON with `--json`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from newsletter.cli.output import Output
from newsletter.delivery.job import Progress

_EVERY = 5.0  # seconds between two plain lines
_LINES = 100_000  # of a list, between two words about it
_YEAR = 366 * 86400.0


@contextmanager
def progress_of(out: Output, label: str) -> Iterator[Callable[[Progress], None]]:
    """A function to hand to the broadcaster as its `progress`."""
    rate = _Rate()
    if out.json:
        yield lambda step: out.event("progress", {"slug": label, **vars(step), **rate.facts(step)}, "")
    elif sys.stderr.isatty():
        with _bar(label, rate) as show:
            yield show
    else:
        yield _lines(out, label, rate)


@dataclass
class _Rate:
    """How fast this process sends, seen from its first step on."""

    first: tuple[float, int] | None = None

    def facts(self, step: Progress) -> dict[str, object]:
        """Readers a second, seconds left and the moment of the end; None where nothing can be said yet."""
        now = time.monotonic()
        if self.first is None:
            self.first = (now, step.sent)
        seconds, sent = now - self.first[0], step.sent - self.first[1]
        rate = sent / seconds if seconds > 0 and sent > 0 else None
        left = (step.readers - step.sent) / rate if rate and step.planned else None
        end = datetime.now(UTC) + timedelta(seconds=left) if left is not None and left < _YEAR else None
        return {
            "rate": rate and round(rate, 1),
            "seconds_left": None if left is None else round(left, 1),
            "ends_at": end and end.isoformat(timespec="seconds"),
        }

    def words(self, step: Progress) -> str:
        """The same for people: `; 180/s, 12 s left, until 09:04`."""
        facts = self.facts(step)
        if facts["rate"] is None:
            return ""
        left, end = facts["seconds_left"], facts["ends_at"]
        local = f"{datetime.fromisoformat(str(end)).astimezone():%H:%M:%S}" if end else ""
        ahead = f", {left:.0f} s left, until {local}" if left and end else ""
        return f"{facts['rate']:,.0f}/s{ahead}"


def _lines(out: Output, label: str, rate: _Rate) -> Callable[[Progress], None]:
    last = [0.0]

    def show(step: Progress) -> None:
        now, words = time.monotonic(), rate.words(step)
        done = step.planned and step.sent >= step.readers
        if step.waiting or done or now - last[0] >= _EVERY:
            last[0] = now
            waiting = f" (waiting: {step.waiting})" if step.waiting else ""
            of = f"{step.readers}" if step.planned else f"{step.readers} or more"
            skipped = f", {step.skipped} skipped" if step.skipped else ""
            out.say(f"{label}: {step.sent} of {of} sent{skipped}{'; ' + words if words else ''}{waiting}")

    return show


@contextmanager
def _bar(label: str, rate: _Rate) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, note="")

        def show(step: Progress) -> None:
            total = step.readers if step.planned else None
            skipped = f"{step.skipped} skipped; " if step.skipped else ""
            bar.update(task, total=total, completed=step.sent, note=step.waiting[:40] or skipped + rate.words(step))

        yield show


@contextmanager
def reading_of(out: Output, path: Path) -> Iterator[Callable[[int, int], None]]:
    """A function to tell how many lines of the list at `path` were read, and how many readers were added."""
    if sys.stderr.isatty() and not out.json:
        with _reading_bar(path) as show:
            yield show
        return
    told = [0]

    def say(read: int, added: int) -> None:
        if read - told[0] >= _LINES:
            told[0] = read
            out.event("progress", {"read": read, "added": added}, f"{read} lines read")

    yield say


@contextmanager
def _reading_bar(path: Path) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(path.name[:24], total=_lines_of(path))

        def show(read: int, added: int) -> None:  # noqa: ARG001 - there is no room for it
            bar.update(task, completed=read)

        yield show


def _lines_of(path: Path) -> int | None:
    """About how many lines a file has: some may be parts of a longer one. None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) or None
    except OSError:
        return None
