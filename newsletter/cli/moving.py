"""`newsletter import-site` and `newsletter export-site`: moving in, and leaving."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import NewsletterError

if TYPE_CHECKING:
    from newsletter.moving.planning import Plan
    from newsletter.pipeline.moving_in import MovedIn

_SHOWN = 20  # lines of each list on a terminal; --report and --json have all


def import_site(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="EXPORT", help="A ZIP, a folder, a CSV or a JSON file.")],
    program: str = typer.Option(
        "", "--from", metavar="PROGRAM", help="Whose export it is, where that is not seen from its files."
    ),
    home: str = typer.Option("", "--site", metavar="URL", help="The address it had; links to it become links here."),
    fetch: bool = typer.Option(False, "--fetch-images", help="Bring pictures home that lie on the web."),
    archive: bool = typer.Option(True, help="Show what readers have in the archive, as sent elsewhere."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would happen, change nothing."),
    report: Path | None = typer.Option(None, "--report", metavar="FILE", help="Write all that was lost to a file."),
) -> None:
    """Move in: make issues of another program's posts.

    The exports of Buttondown, Substack, Ghost and beehiiv, and folders of Jekyll, Hugo, Pelican and plain Markdown are
    understood. What readers have is put into the archive and never sent again; drafts stay drafts.
    """
    from newsletter.moving.opening import open_source
    from newsletter.pipeline.moving_in import MovedIn, fetch_pictures, move_in, plan_move

    out: Output = context.obj
    out.command = "import-site"
    publication = publication_of(out)
    opened = open_source(source, program)
    planned = plan_move(publication, opened, home)
    fetched: dict[str, bytes] = {}
    trouble: tuple[str, ...] = ()
    if fetch and not dry_run:
        planned, fetched, trouble = fetch_pictures(publication, planned, _counter(out))
    if dry_run:
        pictures = sum(len(arrival.pictures) for arrival in planned.arrivals)
        done = MovedIn(opened.program, planned, (), pictures)
    else:
        with store_of(publication) as store:
            done = move_in(publication, store, opened, planned, fetched, archive=archive)
    for line in (*trouble, *done.trouble):
        out.warn(line)
    notes = _notes(done.plan)
    if report is not None:
        _write_report(report, done, notes)
    out.result(_as_json(done, notes, dry_run=dry_run), _lines(done, notes, dry_run=dry_run))


def export_site(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")],
) -> None:
    """Leave: write everything into plain files that other programs can read.

    Issues as Markdown with front matter and as HTML, pictures, subscribers with their consent, suppressions, what was
    sent to how many, and the old addresses.
    """
    from newsletter.pipeline.moving_out import move_out

    out: Output = context.obj
    out.command = "export-site"
    publication = publication_of(out)
    with store_of(publication) as store:
        written = move_out(publication, store, target, datetime.now(UTC))
    lines = [f"{target / name}  {count}" for name, count in written.items()]
    out.result({"folder": str(target), "written": written}, [*lines, f"{target / 'README.txt'} tells what is what"])


def _counter(out: Output):  # type: ignore[no-untyped-def]
    def tell(number: int, of: int) -> None:
        if number % 20 == 0 or number == of:
            out.event("progress", {"pictures": number, "of": of}, f"{number} of {of} pictures")

    return tell


def _notes(planned: Plan) -> list[tuple[str, str]]:
    from newsletter.pipeline.moving_in import notes_of

    return notes_of(planned)


def _lines(done: MovedIn, notes: list[tuple[str, str]], *, dry_run: bool) -> list[str]:
    arrivals, skipped = done.plan.arrivals, done.plan.skipped
    lines = [f"{arrival.file}  {arrival.post.title}" for arrival in arrivals[:_SHOWN]]
    lines += [f"… and {len(arrivals) - _SHOWN} more"] if len(arrivals) > _SHOWN else []
    if skipped:
        lines += ["", "left behind:", *(f"  {each.place}: {each.reason}" for each in skipped[:_SHOWN])]
    if notes:
        lines += ["", "not kept as it was:", *(f"  {file}: {note}" for file, note in notes[:_SHOWN])]
        lines += [f"  … and {len(notes) - _SHOWN} more: --report FILE"] if len(notes) > _SHOWN else []
    drafts = sum(1 for arrival in arrivals if not arrival.post.sent)
    verb = "would come" if dry_run else "came"
    counted = f"{len(arrivals)} issues {verb} from {done.program} ({drafts} drafts), {done.pictures} pictures"
    archived = "" if dry_run else f", {len(done.archived)} in the archive"
    return [*lines, "", f"{counted}{archived}, {len(done.plan.redirects)} old addresses, {len(skipped)} left behind"]


def _as_json(done: MovedIn, notes: list[tuple[str, str]], *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "program": done.program,
        "issues": [
            {
                "file": arrival.file,
                "slug": arrival.slug,
                "title": arrival.post.title,
                "published": arrival.post.published.isoformat() if arrival.post.published else None,
                "draft": not arrival.post.sent,
                "archived": arrival.slug in done.archived,
            }
            for arrival in done.plan.arrivals
        ],
        "pictures": done.pictures,
        "redirects": dict(done.plan.redirects),
        "skipped": [vars(each) for each in done.plan.skipped],
        "notes": [{"file": file, "note": note} for file, note in notes],
    }


def _write_report(path: Path, done: MovedIn, notes: list[tuple[str, str]]) -> None:
    lines = [f"# Moved in from {done.program}", "", "## Left behind", ""]
    lines += [f"- {each.place}: {each.reason}" for each in done.plan.skipped] or ["Nothing."]
    lines += ["", "## Not kept as it was", "", *(f"- {file}: {note}" for file, note in notes)]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", "choose another file") from None
