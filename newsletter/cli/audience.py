"""`newsletter subscribers`: who reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.arguments import example
from newsletter.cli.output import Output
from newsletter.publication import find_publication

app = typer.Typer(help="See and change who reads.")
_SHOWN = 20  # bad lines of a list, before "and so many more"


@app.command("import", epilog=example("import"))
def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON or NDJSON, in UTF-8.")],
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would happen, change nothing."),
    source: str = typer.Option(
        "", "--consent-source", metavar="TEXT", help="Where they agreed, if the list does not say."
    ),
) -> None:
    """Take a list of subscribers in.

    The list is taken whole or not at all, but for lines that are no subscriber. Who left is never brought back.
    """
    from newsletter.audience.files import read_list
    from newsletter.audience.importing import import_entries
    from newsletter.store.database import open_store

    out: Output = context.obj
    out.command = "subscribers import"
    publication = find_publication(Path.cwd(), out.folder)
    store = open_store(publication.config.storage.database_url, publication.state)
    with store.transaction() as connection:
        consent = source or f"import of {file.name}"
        report = import_entries(connection, read_list(file), source=consent, now=datetime.now(UTC))
        if dry_run:
            connection.rollback()
    store.close()
    rejects = report.rejects
    left_out = f"{len(rejects)} line{'s' if len(rejects) != 1 else ''} left out"
    lines = [f"{file}:{reject.line}: left out: {reject.reason}" for reject in rejects[:_SHOWN]]
    lines += [f"… and {len(rejects) - _SHOWN} more lines left out"] if len(rejects) > _SHOWN else []
    for line in lines:
        out.warn(line)
    added = ", ".join(f"{count} {state}" for state, count in sorted(report.states.items())) or "nobody"
    out.result(
        {
            "dry_run": dry_run,
            "added": report.added,
            "added_by_state": dict(report.states),
            "changed": report.changed,
            "unchanged": report.unchanged,
            "kept_out": report.kept_out,
            "rejected": [vars(reject) for reject in rejects],
        },
        [
            f"{'would add' if dry_run else 'added'} {report.added} ({added}); {report.changed} changed, "
            f"{report.unchanged} unchanged, {report.kept_out} had left and stay out, {left_out}"
        ],
    )


@app.command("count")
def count(context: typer.Context) -> None:
    """Count the subscribers in each state."""
    from newsletter.audience.subscribers import count_by_state
    from newsletter.store.database import open_store

    out: Output = context.obj
    out.command = "subscribers count"
    publication = find_publication(Path.cwd(), out.folder)
    store = open_store(publication.config.storage.database_url, publication.state)
    with store.reading() as connection:
        counts = count_by_state(connection)
    store.close()
    out.result({"states": counts}, [f"{number:>8}  {state}" for state, number in counts.items()] or ["nobody yet"])
