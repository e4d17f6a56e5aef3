"""`newsletter doctor`: is everything there that a newsletter needs."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from newsletter.cli.opening import publication_of
from newsletter.cli.output import Output

if TYPE_CHECKING:
    from newsletter.pipeline.doctor.probe import Diagnosis

_COLUMN = 29  # where the words begin


def doctor(
    context: typer.Context,
    offline: bool = typer.Option(False, "--offline", help="Ask nobody on the network: neither provider nor DNS."),
) -> None:
    """Look everything over: key, provider, DNS, database, disk, clock, scheduler, backups.

    Each line is ok, warn, fail or not checked, with what to do. Exit code 1 where a line says fail. Nothing is sent.
    """
    from newsletter.pipeline.doctor.probe import State, worst
    from newsletter.pipeline.doctor.run import examine

    out: Output = context.obj
    out.command = "doctor"
    found = []
    for diagnosis in examine(publication_of(out), datetime.now(UTC), offline=offline):
        found.append(diagnosis)
        if not out.json:
            for line in _lines(diagnosis):
                out.line(line)
    counts = worst(found)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    data = {"findings": [diagnosis.as_json() for diagnosis in found], "counts": counts}
    out.result(data, [summary], ok=not counts[State.FAIL.value])


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    """A diagnosis for people, broken where the terminal ends; a pipe gets whole lines."""
    width = max(40, shutil.get_terminal_size().columns - _COLUMN) if sys.stdout.isatty() else 10_000
    head = f"{diagnosis.state.value:<11}  {diagnosis.probe:<14}  "
    fix = [f"→ {diagnosis.fix}"] if diagnosis.fix and diagnosis.state.value != "ok" else []
    for words in (diagnosis.message, *fix):
        for line in textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False) or [""]:
            yield f"{head}{line}"
            head = " " * _COLUMN
