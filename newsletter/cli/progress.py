"""Progress of a broadcast: a bar on a terminal, plain lines elsewhere, NDJSON with `--json`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from newsletter.cli.output import Output
from newsletter.delivery.broadcaster import Progress

_EVERY = 5.0  # seconds between two plain lines


@contextmanager
def progress_of(out: Output, label: str) -> Iterator[Callable[[Progress], None]]:
    """A function to hand to the broadcaster as its `progress`."""
    if out.json:
        yield lambda step: out.event("progress", {"slug": label, **vars(step)}, "")
    elif sys.stderr.isatty():
        with _bar(label) as show:
            yield show
    else:
        yield _lines(out, label)


def _lines(out: Output, label: str) -> Callable[[Progress], None]:
    last = [0.0]

    def show(step: Progress) -> None:
        now = time.monotonic()
        if step.waiting or step.sent >= step.readers or now - last[0] >= _EVERY:
            last[0] = now
            waiting = f" (waiting: {step.waiting})" if step.waiting else ""
            out.say(f"{label}: {step.sent} of {step.readers} sent{waiting}")

    return show


@contextmanager
def _bar(label: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, note="")

        def show(step: Progress) -> None:
            bar.update(task, total=step.readers, completed=step.sent, note=step.waiting[:40])

        yield show
