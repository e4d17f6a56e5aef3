"""`newsletter ci`: what a workflow does on a pull request, and after it is merged."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.arguments import ISSUES
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import UsageError


def ci(
    context: typer.Context,
    issues: Annotated[list[str] | None, ISSUES] = None,
    output: Path = typer.Option(Path("preview"), "-o", "--output", metavar="DIR", help="Where previews go."),
    strict: bool = typer.Option(False, "--strict", help="Warnings fail too."),
    offline: bool = typer.Option(False, "--offline", help="Do not try links on the web."),
    queue: bool = typer.Option(False, "--queue", help="Approve what is ready instead: for after the merge."),
    by: str = typer.Option("", "--by", metavar="NAME", help="With --queue: who approved; else $GITHUB_ACTOR."),
) -> None:
    """Check and preview in a workflow.

    Writes DIR/SLUG.html, one file with all views of an issue, and prints findings as annotations of GitHub. With
    --queue each ready issue that was never sent is approved, anew where its file changed.
    """
    out: Output = context.obj
    out.command = "ci"
    if queue:
        if issues:
            raise UsageError("--queue takes no issues: it approves all that are ready", "newsletter ci --queue")
        _queue(out, by or os.environ.get("GITHUB_ACTOR", ""))
        return
    _preview(out, issues, output)
    from newsletter.cli.checking import check

    check(
        context,
        issues,
        strict=strict,
        form="github",
        fix=False,
        dry_run=False,
        offline=offline,
        rules=False,
        explain="",
    )


def _preview(out: Output, references: list[str] | None, folder: Path) -> None:
    """One file for each issue that can be read; what cannot is a finding of the check that follows."""
    from newsletter.cli.choosing import chosen_issues, editions_of
    from newsletter.errors import NewsletterError
    from newsletter.pipeline.desk import open_desk
    from newsletter.web.preview.sharing import share_page

    desk = open_desk(publication_of(out))
    chosen, broken = chosen_issues(desk, references)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for issue, edition in editions_of(desk, chosen, broken):
            findings = desk.check(issue, edition, datetime.now(UTC))
            path = folder / f"{issue.slug}.html"
            path.write_text(share_page(issue, edition, findings, desk.site), encoding="utf-8")
            out.say(f"{path}: a preview of {issue.file}")
    except OSError as error:
        raise NewsletterError(f"{folder}: cannot be written: {error.strerror}", "name another folder: -o DIR") from None


def _queue(out: Output, by: str) -> None:
    from newsletter.pipeline.approval import approve_ready
    from newsletter.pipeline.desk import open_desk

    publication = publication_of(out)
    with store_of(publication) as store:
        done = approve_ready(open_desk(publication), store, datetime.now(UTC), by)
    for error in done.refused:
        out.trouble(error)
    data = {"approved": list(done.approved), "refused": [error.message for error in done.refused]}
    lines = [f'approved "{slug}"' for slug in done.approved] or ["nothing new is ready"]
    out.result(data, lines, ok=not done.refused)
