"""`newsletter demo`: the main job on the sample issues, shown station by station."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from newsletter.cli.output import Output

if TYPE_CHECKING:
    from newsletter.pipeline.demo import Told


def demo(
    context: typer.Context,
    keep: Path = typer.Option(None, "--keep", metavar="DIR", help="Where it is kept; else a temporary folder."),
    preview: bool = typer.Option(False, "--preview", help="Leave a page open with the emails received, until Ctrl-C."),
) -> None:
    """Show the whole pipeline on sample data.

    All of it stays on this machine: a simulator plays the provider, and nothing is sent to anybody.
    """
    from newsletter.cli.progress import progress_of
    from newsletter.pipeline.demo import Demo, sample_publication, simulator_for

    out: Output = context.obj
    out.command = "demo"

    def say(station: str, line: str) -> None:
        if out.json:
            out.event(station or "note", {"line": line}, "")
        else:
            out.line(f"  {station:<8} {line}")

    with sample_publication(keep) as publication, simulator_for(publication) as simulator:
        if not out.json:
            out.line("Newsletter demo: one issue's whole way, on this machine only")
        say("provider", f"AutoSend is played by a simulator on {simulator.url}")
        with progress_of(out, "send") as progress:
            told = Demo(publication, simulator, say, progress).run()
        data, lines = _summary(told, keep, preview)
        out.result(data, lines)
        if preview:
            _wait(out, simulator.page)


def _summary(told: Told, keep: Path | None, preview: bool) -> tuple[dict[str, object], list[str]]:
    report = told.report
    assert report is not None  # noqa: S101 - the demo ends with an error otherwise
    skipped = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
    batches = sum(report.batches.values())
    data = {
        "slot": told.slot.wall_time if told.slot else "",
        "issue": report.slug,
        "subject": told.subject,
        "sent": report.sent,
        "skipped": dict(report.skipped),
        "batches": batches,
        "seconds": round(told.seconds, 2),
        "folder": str(told.folder),
        "html": str(told.html),
        "text": str(told.text),
        "page": told.page if preview else "",
    }
    lines = [
        "",
        f"Slot        {told.slot} (simulated clock)",
        f"Issue       {report.slug}: {told.subject}",
        f"Recipients  {report.sent} sent, {sum(report.skipped.values())} skipped ({skipped})",
        f"Batches     {batches} of up to 100, {report.calls} calls, {told.seconds:.1f} s at 2 calls a second",
        f"See it      {told.html}",
        f"            {told.text}",
        *([f"            {told.page} (all {report.sent} of them)"] if preview else []),
        f"Kept in     {told.folder}" + ("" if keep else " (temporary; --keep DIR chooses a place)"),
        "",
        "Try next:",
        f"  python3 -m newsletter -C {told.folder} status",
        "  python3 -m newsletter build -o build     # the sample issues as files",
        "  python3 -m newsletter init my-letter     # a publication of your own",
    ]
    return data, lines


def _wait(out: Output, page: str) -> None:
    """Serve the page until Ctrl-C, which is the right way to end it and so no failure."""
    from newsletter.cli.stopping import stop_on_signals

    out.say(f"the emails are on {page} until you press Ctrl-C")
    with stop_on_signals(lambda _: None) as stop:
        while not stop.event.wait(3600):
            pass
