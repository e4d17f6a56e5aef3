"""`newsletter stats`: how the newsletter is doing."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import NewsletterError, UsageError

if TYPE_CHECKING:
    from newsletter.publication import Publication
    from newsletter.store.database import Store


def stats(
    context: typer.Context,
    issue: str = typer.Argument("", metavar="[ISSUE]", help="A slug, a path, or last; else the whole publication."),
    last: int = typer.Option(
        26, "--last", metavar="N", min=0, help="So many broadcasts, the newest; 0 is all of them."
    ),
    csv: bool = typer.Option(False, "--csv", help="Print a table for a spreadsheet."),
    html: Path | None = typer.Option(None, "--html", metavar="FILE", help="Write a report: one file, charts included."),
) -> None:
    """Show how the newsletter is doing, or one issue.

    Readers who came and went, what became of each broadcast, who stayed, how mailbox providers see it.
    """
    from newsletter.pipeline.selection import select_slug

    out: Output = context.obj
    out.command = "stats"
    if csv and (out.json or html):
        raise UsageError("--csv goes with neither --json nor --html", "run it twice")
    publication, now = publication_of(out), datetime.now(UTC)
    with store_of(publication) as store:
        if issue:
            slug = select_slug(publication, store, issue)
            data, lines, page = _issue(publication, store, slug, now, csv=csv, html=html is not None)
        else:
            data, lines, page = _overview(publication, store, now, last, csv=csv, html=html is not None)
    if html:
        _write(html, page)
        lines = [str(html)]
    out.result(data | {"html": str(html) if html else None}, lines)


_Told = tuple[dict[str, Any], list[str], str]


def _overview(publication: Publication, store: Store, now: datetime, last: int, *, csv: bool, html: bool) -> _Told:
    from newsletter.pipeline.numbers import publication_numbers
    from newsletter.stats.page import overview_page
    from newsletter.stats.tables import broadcasts_csv
    from newsletter.stats.terminal import ink_for, overview_lines

    figures, zone = publication_numbers(publication, store, now, last), publication.config.schedule.zone
    lines = broadcasts_csv(figures.broadcasts) if csv else overview_lines(figures, zone, ink_for(sys.stdout.encoding))
    return figures.as_json(), lines, overview_page(figures, zone) if html else ""


def _issue(publication: Publication, store: Store, slug: str, now: datetime, *, csv: bool, html: bool) -> _Told:
    from newsletter.pipeline.numbers import issue_numbers, issue_picture
    from newsletter.stats.page import issue_page
    from newsletter.stats.tables import issue_csv
    from newsletter.stats.terminal import ink_for, issue_lines

    figures, zone = issue_numbers(publication, store, slug, now), publication.config.schedule.zone
    lines = issue_csv(figures) if csv else issue_lines(figures, zone, ink_for(sys.stdout.encoding))
    page = issue_page(figures, zone, issue_picture(publication, store, figures)) if html else ""
    return figures.as_json(), lines, page


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise NewsletterError(f"{file}: cannot be written: {reason}", "name a file that can be written") from None
