"""`newsletter init`, `new`, `build`, `approve`, `unapprove`: the editor's commands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import ISSUE, ISSUES
from newsletter.cli.choosing import chosen_issues, editions_of
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output

if TYPE_CHECKING:
    from newsletter.content.issue import Issue
    from newsletter.pipeline.desk import Desk
    from newsletter.render.edition import Edition


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")],
) -> None:
    """Make a new publication.

    DIR gets newsletter.toml, a first issue and a glossary. Nothing that exists is overwritten.
    """
    from newsletter.pipeline.starting import start_publication

    out: Output = context.obj
    out.command = "init"
    files = start_publication(folder)
    out.result(
        {"folder": str(folder), "files": files},
        [
            f"made a publication in {folder}:",
            *(f"  {name}" for name in files),
            "next:",
            f"  1. fill in {folder / 'newsletter.toml'}: name, sender, postal address",
            f'  2. newsletter -C {folder} new "A title"',
            f"  3. newsletter -C {folder} check",
        ],
    )


def new(
    context: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="In quotes; it becomes the subject too.")],
) -> None:
    """Start a new issue, a draft for the next free slot."""
    from newsletter.pipeline.starting import start_issue

    out: Output = context.obj
    out.command = "new"
    publication = publication_of(out)
    with store_of(publication) as store:
        path, slot = start_issue(publication, store, title, datetime.now(UTC))
    out.result(
        {"path": str(path), "slot": str(slot)},
        [f"{path}: a draft for the slot of {slot}", "write it, then set  status: ready"],
    )


def build(
    context: typer.Context,
    issues: Annotated[list[str] | None, ISSUES] = None,
    output: Path = typer.Option(Path("build"), "-o", "--output", metavar="DIR", help="Where the files go."),
    share: bool = typer.Option(False, "--share", help="Add share.html: all views in one file, for reviewers."),
) -> None:
    """Render issues to files, to look at them.

    Writes DIR/SLUG/ with email.html, email.txt, email.eml, web.html and edition.json. Findings do not stop it.
    """
    from newsletter.pipeline.building import date_of, files_of, write_folder
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "build"
    desk = open_desk(publication_of(out))
    chosen, broken = chosen_issues(desk, issues)
    built: dict[str, dict[str, str]] = {}
    for issue, edition in editions_of(desk, chosen, broken):
        name = _free_name(issue.slug, built)
        if name != issue.slug:
            out.warn(f'{issue.file}: the slug "{issue.slug}" is used twice; built as {name}')
        written = date_of(issue, desk.publication.config.schedule)
        shared = _shared(desk, issue, edition) if share else {}
        write_folder(output / name, {**files_of(edition, desk.site.base_url, written), **shared})
        built[name] = {"file": str(issue.path), "folder": str(output / name), "digest": edition.digest}
    for error in broken:
        out.trouble(error)
    lines = [f"{row['folder']}  {row['digest'][:12]}" for row in built.values()]
    lines += [f"{len(built)} built" + (f", {len(broken)} failed" if broken else "")]
    data = {"built": built, "unreadable": [{"message": error.message, "hint": error.hint} for error in broken]}
    out.result(data, lines, ok=not broken)


def approve(context: typer.Context, issue: Annotated[str, ISSUE]) -> None:
    """Freeze an issue as it is now and queue it.

    What was approved is what is sent, byte for byte. Refused (exit 5) while a check finds an error.
    """
    from newsletter.pipeline.approval import approve as approve_issue
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "approve"
    publication = publication_of(out)
    desk = open_desk(publication)
    with store_of(publication) as store:
        from newsletter.pipeline.selection import select_issue

        chosen = select_issue(desk, store, issue)
        approval = approve_issue(desk, store, chosen, datetime.now(UTC))
        edition = approval.edition
    for finding in approval.findings:
        if finding.severity != "info":
            out.warn(f"{finding.place}: {finding.message}")
    out.result(
        {
            "slug": edition.slug,
            "digest": edition.digest,
            "place": approval.place,
            "slot": approval.slot.wall_time if approval.slot else None,
        },
        [
            f'approved "{edition.slug}" ({edition.digest[:12]}), place {approval.place} in the queue',
            f"goes out {approval.slot}, if a scheduler runs then" if approval.slot else "no coming slot takes it",
        ],
    )


def unapprove(context: typer.Context, issue: Annotated[str, ISSUE]) -> None:
    """Take an issue out of the queue."""
    from newsletter.pipeline.approval import unapprove as unapprove_issue
    from newsletter.pipeline.selection import select_slug

    out: Output = context.obj
    out.command = "unapprove"
    publication = publication_of(out)
    with store_of(publication) as store:
        slug = select_slug(publication, store, issue)
        unapprove_issue(store, slug)
    out.result({"slug": slug}, [f'"{slug}" is no longer in the queue'])


def _shared(desk: Desk, issue: Issue, edition: Edition) -> dict[str, bytes]:
    """The file that shows everything of an edition, for a reviewer or a pull request."""
    from newsletter.web.preview.sharing import share_page

    findings = desk.check(issue, edition, datetime.now(UTC))
    return {"share.html": share_page(issue, edition, findings, desk.site).encode()}


def _free_name(slug: str, taken: dict[str, dict[str, str]]) -> str:
    number, name = 2, slug
    while name in taken:
        number, name = number + 1, f"{slug}-{number}"
    return name
