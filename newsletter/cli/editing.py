"""`newsletter init`, `new`, `check`, `build`, `approve`, `unapprove`: the editor's commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import ISSUE, ISSUES
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import ContentError, NewsletterError, UsageError

if TYPE_CHECKING:
    from newsletter.content.issue import Issue
    from newsletter.finding import Finding
    from newsletter.pipeline.desk import Desk
    from newsletter.render.edition import Edition

_SIGNS = {"error": "error", "warning": "warning", "info": "info"}


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


def check(
    context: typer.Context,
    issues: Annotated[list[str] | None, ISSUES] = None,
    strict: bool = typer.Option(False, "--strict", help="Warnings fail too."),
    form: str = typer.Option("human", "--format", metavar="human|github", help="For people, or for GitHub Actions."),
) -> None:
    """Look for mistakes before readers do.

    Exit code 1 where an error is found, with --strict where a warning is.
    """
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "check"
    if form not in ("human", "github"):
        raise UsageError(f'--format: there is no "{form}"', "expected human or github")
    desk = open_desk(publication_of(out))
    chosen, broken = _chosen(desk, issues)
    found: list[tuple[str, tuple[Finding, ...]]] = []
    now, lines = datetime.now(UTC), list[str]()
    for issue, edition in _editions(desk, chosen, broken):
        findings = desk.check(issue, edition, now)
        found.append((issue.slug, findings))
        lines += [_github(finding) for finding in findings] if form == "github" else _human(issue, findings)
    lines += [_github_error(error) if form == "github" else _unreadable(error) for error in broken]
    counts = {level: sum(f.severity == level for _, fs in found for f in fs) for level in _SIGNS}
    counts["error"] += len(broken)
    if form == "human":
        lines.append(_total(len(found) + len(broken), counts))
    data = {
        "issues": {slug: [finding.as_json() for finding in findings] for slug, findings in found},
        "unreadable": [{"message": error.message, "hint": error.hint} for error in broken],
        **{f"{level}s": count for level, count in counts.items()},
    }
    failed = counts["error"] > 0 or (strict and counts["warning"] > 0)
    out.result(data, lines, ok=not failed)


def build(
    context: typer.Context,
    issues: Annotated[list[str] | None, ISSUES] = None,
    output: Path = typer.Option(Path("build"), "-o", "--output", metavar="DIR", help="Where the files go."),
    share: bool = typer.Option(False, "--share", help="Add share.html: all views in one file, for reviewers."),
) -> None:
    """Render issues to files, to look at them.

    Writes DIR/SLUG/ with email.html, email.txt, email.eml, web.html and edition.json. Findings do not stop it.
    """
    from newsletter.pipeline.building import files_of, write_folder
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "build"
    desk = open_desk(publication_of(out))
    chosen, broken = _chosen(desk, issues)
    built: dict[str, dict[str, str]] = {}
    for issue, edition in _editions(desk, chosen, broken):
        name = _free_name(issue.slug, built)
        if name != issue.slug:
            out.warn(f'{issue.file}: the slug "{issue.slug}" is used twice; built as {name}')
        written = datetime.fromtimestamp(issue.path.stat().st_mtime, UTC)  # builds of the same file are the same
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


def _chosen(desk: Desk, references: list[str] | None) -> tuple[list[Issue], list[ContentError]]:
    """The issues that were named, or all; and those that cannot be read, which do not stop the others."""
    if not references:
        return list(desk.folder.issues), list(desk.folder.broken)
    found: list[Issue] = []
    broken: list[ContentError] = []
    for reference in references:
        try:
            issue = desk.find(reference)
            if issue.path.resolve() not in {known.path.resolve() for known in found}:
                found.append(issue)
        except ContentError as error:
            broken.append(error)
    if not found and len(broken) == 1:
        raise broken[0]
    return found, broken


def _editions(desk: Desk, issues: Iterable[Issue], broken: list[ContentError]) -> Iterator[tuple[Issue, Edition]]:
    """Each issue with its edition. What its theme does wrong joins `broken`, once, and the other issues go on."""
    for issue in issues:
        try:
            edition = desk.render(issue)
        except ContentError as error:
            if error.message not in {known.message for known in broken}:
                broken.append(error)
            continue
        yield issue, edition


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


def _human(issue: Issue, findings: tuple[Finding, ...]) -> list[str]:
    lines = [f"{issue.file}: {'nothing found' if not findings else ''}".rstrip()]
    for finding in findings:
        place = f"{finding.line}:{finding.column}" if finding.line and finding.column else f"{finding.line or '-'}"
        lines.append(f"  {place:>7}  {finding.severity.value:<7}  {finding.message}  [{finding.rule}]")
        if finding.fix:
            lines.append(f"{'':20}{finding.fix}")
    return lines


def _unreadable(error: ContentError) -> str:
    return f"error: {error.message}" + (f" ({error.hint})" if error.hint else "")


def _total(issues: int, counts: dict[str, int]) -> str:
    listed = ", ".join(f"{count} {level}{'s' if count != 1 else ''}" for level, count in counts.items())
    return f"{issues} issue{'s' if issues != 1 else ''} checked: {listed.replace('infos', 'info')}"


def _github(finding: Finding) -> str:
    """An annotation of GitHub Actions (docs.github.com, workflow commands)."""
    level = {"error": "error", "warning": "warning", "info": "notice"}[finding.severity.value]
    place = f"file={finding.file},line={finding.line or 1},col={finding.column or 1},title={finding.rule}"
    message = f"{finding.message}. {finding.fix}".replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} {place}::{message}"


def _github_error(error: NewsletterError) -> str:
    return f"::error title=unreadable::{error.message}"
