"""`newsletter doctor`: is everything there that a newsletter needs."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from newsletter.cli.opening import publication_of
from newsletter.cli.output import Output


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
            out.line(f"{diagnosis.state.value:<11}  {diagnosis.probe:<14}  {diagnosis.message}")
            if diagnosis.fix and diagnosis.state is not State.OK:
                out.line(f"{'':<11}  {'':<14}  → {diagnosis.fix}")
    counts = worst(found)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    data = {"findings": [diagnosis.as_json() for diagnosis in found], "counts": counts}
    out.result(data, [summary], ok=not counts[State.FAIL.value])
