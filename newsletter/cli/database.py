"""`newsletter db`: backups, restoring one, the schema."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import example
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output

if TYPE_CHECKING:
    from newsletter.pipeline.backups import Backup
    from newsletter.pipeline.restoring import Restored

app = typer.Typer(help="Back up the database, restore it, bring it to this version's schema.")


@app.command("backup", epilog=example("backup"))
def backup(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A new file; else one in the folder of [backup].")
    ] = None,
) -> None:
    """Take a backup now, also while a broadcast runs.

    One file with everything in the database and the key that signs links: keep it as safe as the readers' addresses.
    """
    from newsletter.pipeline.backups import back_up

    out: Output = context.obj
    out.command = "db backup"
    publication = publication_of(out)
    with store_of(publication) as store:
        taken = back_up(publication, store, datetime.now(UTC), file)
    out.result(taken.as_json(), [f"{taken.file}: {_size(taken)}, SHA-256 {taken.digest[:12]}…"])


@app.command("list", epilog=example("db list"))
def list_backups(context: typer.Context) -> None:
    """Show the backups in the folder of [backup], the newest first."""
    from newsletter.pipeline.backups import backups_in, folder_of

    out: Output = context.obj
    out.command = "db list"
    folder = folder_of(publication_of(out))
    found = backups_in(folder)
    lines = [f"{backup.file}  {backup.taken_at:%Y-%m-%d %H:%M} UTC  {_size(backup)}" for backup in found]
    data = {"folder": str(folder), "backups": [backup.as_json() for backup in found]}
    out.result(data, lines or [f"no backup in {folder}: newsletter db backup"])


@app.command("restore", epilog=example("restore"))
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    confirm: bool = typer.Option(False, "--confirm", help="Give up what the database has that the backup has not."),
) -> None:
    """Put a backup in the place of the database.

    Stop scheduler and senders first. What was sent since the backup is not known any more, so nothing is sent by itself
    afterwards: you are told what to decide.
    """
    from newsletter.pipeline.restoring import restore as put_back

    out: Output = context.obj
    out.command = "db restore"
    restored = put_back(publication_of(out), file, datetime.now(UTC), confirmed=confirm)
    out.result(restored.as_json(), _advice(restored))


@app.command("upgrade", epilog=example("upgrade"))
def upgrade(context: typer.Context) -> None:
    """Bring the database to this version's schema.

    Every command does so by itself; here it is said. Before a change of an SQLite database a backup is taken.
    """
    from newsletter.store.database import upgrade_store

    out: Output = context.obj
    out.command = "db upgrade"
    publication = publication_of(out)
    done = upgrade_store(publication.config.storage.database_url, publication.state)
    line = f"the schema is {done.after}" + (f", was {done.before or 'not there'}" if done.changed else " already")
    kept = [f"as it was: {done.kept}"] if done.kept else []
    data = {"before": done.before, "after": done.after, "kept": str(done.kept) if done.kept else None}
    out.result(data, [line, *kept])


def _advice(restored: Restored) -> list[str]:
    """What a person has to look at before anything is sent again."""
    lines = [f"restored: the database of {restored.taken_at:%A %Y-%m-%d %H:%M} UTC"]
    lines += [f"  the one before it is kept in {restored.kept}"] if restored.kept else []
    if restored.departures:
        lines.append(f"  {restored.departures} who left since then stay out")
    lines.append("nothing is sent until you say:  newsletter resume")
    for report in restored.unfinished:
        lines += [
            f"  {report.slug} was not finished: {report.sent} have it, {report.deliveries.get('unknown', 0)} in doubt",
            *_told(restored, report.slug),
            f"    they have it: newsletter send {report.slug} --resume --unknown skip",
            f"    nobody of them has it: newsletter send {report.slug} --resume --unknown repeat",
        ]
    for slug in restored.held:
        lines += [f"  {slug} was approved, and is held now", *_told(restored, slug)]
        lines.append(f"    readers do not have it: newsletter queue release {slug}")
    return lines


def _told(restored: Restored, slug: str) -> list[str]:
    return [f"    by the database before: {restored.told[slug]}"] if slug in restored.told else []


def _size(backup: Backup) -> str:
    return f"{backup.size / 1e6:.1f} MB"
