"""`newsletter init`, `new`, `check`, `build`, `approve`, `unapprove`: the editor's commands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import ContentError, NewsletterError, UsageError

if TYPE_CHECKING:
    from newsletter.content.issue import Issue
    from newsletter.finding import Finding
    from newsletter.pipeline.desk import Desk

_SIGNS = {"error": "error", "warning": "warning", "info": "info"}


def init(context: typer.Context, folder: Path) -> None:
    """Make a new publication in DIR: newsletter.toml, a first issue, a glossary."""
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


def new(context: typer.Context, title: str) -> None:
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
    issues: list[str] = typer.Argument(None, metavar="[ISSUE]...", help="Paths or slugs; all issues without."),
    strict: bool = typer.Option(False, "--strict", help="Warnings fail too."),
    form: str = typer.Option("human", "--format", metavar="human|github", help="How findings are printed."),
) -> None:
    """Look for mistakes. Exit 1 on an error finding (with --strict on a warning too)."""
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "check"
    if form not in ("human", "github"):
        raise UsageError(f'--format: there is no "{form}"', "expected human or github")
    desk = open_desk(publication_of(out))
    chosen, broken = _chosen(desk, issues)
    found: list[tuple[str, tuple[Finding, ...]]] = []
    now, lines = datetime.now(UTC), list[str]()
    for issue in chosen:
        findings = desk.check(issue, desk.render(issue), now)
        found.append((issue.slug, findings))
        lines += [_github(finding) for finding in findings] if form == "github" else _human(issue, findings)
    lines += [_github_error(error) if form == "github" else f"error: {error.message}" for error in broken]
    counts = {level: sum(f.severity == level for _, fs in found for f in fs) for level in _SIGNS}
    counts["error"] += len(broken)
    if form == "human":
        lines.append(_total(len(chosen) + len(broken), counts))
    data = {
        "issues": {slug: [finding.as_json() for finding in findings] for slug, findings in found},
        "unreadable": [{"message": error.message, "hint": error.hint} for error in broken],
        **{f"{level}s": count for level, count in counts.items()},
    }
    failed = counts["error"] > 0 or (strict and counts["warning"] > 0)
    out.result(data, lines, ok=not failed)


def build(
    context: typer.Context,
    issues: list[str] = typer.Argument(None, metavar="[ISSUE]...", help="Paths or slugs; all issues without."),
    output: Path = typer.Option(Path("build"), "-o", "--output", metavar="DIR", help="Where the files go."),
) -> None:
    """Render issues to files: DIR/SLUG/{email.html,email.txt,email.eml,web.html,edition.json}."""
    from newsletter.pipeline.building import files_of, write_folder
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "build"
    desk = open_desk(publication_of(out))
    chosen, broken = _chosen(desk, issues)
    built: dict[str, dict[str, str]] = {}
    for issue in chosen:
        edition = desk.render(issue)
        name = _free_name(issue.slug, built)
        if name != issue.slug:
            out.warn(f'{issue.file}: the slug "{issue.slug}" is used twice; built as {name}')
        written = datetime.fromtimestamp(issue.path.stat().st_mtime, UTC)  # builds of the same file are the same
        write_folder(output / name, files_of(edition, desk.site.base_url, written))
        built[name] = {"file": str(issue.path), "folder": str(output / name), "digest": edition.digest}
    for error in broken:
        out.say(f"error: {error.message}")
    lines = [f"{row['folder']}  {row['digest'][:12]}" for row in built.values()]
    lines += [f"{len(built)} built" + (f", {len(broken)} could not be read" if broken else "")]
    data = {"built": built, "unreadable": [{"message": error.message, "hint": error.hint} for error in broken]}
    out.result(data, lines, ok=not broken)


def approve(context: typer.Context, issue: str) -> None:
    """Freeze an issue as it is now and queue it. Refused (exit 5) while a check finds an error."""
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
        {"slug": edition.slug, "digest": edition.digest, "place": approval.place},
        [f'approved "{edition.slug}" ({edition.digest[:12]}), place {approval.place} in the queue'],
    )


def unapprove(context: typer.Context, issue: str) -> None:
    """Take an issue out of the queue."""
    from newsletter.pipeline.approval import unapprove as unapprove_issue

    out: Output = context.obj
    out.command = "unapprove"
    with store_of(publication_of(out)) as store:
        unapprove_issue(store, issue)
    out.result({"slug": issue}, [f'"{issue}" is no longer in the queue'])


def _chosen(desk: Desk, references: list[str] | None) -> tuple[list[Issue], list[ContentError]]:
    """The issues that were named, or all; and those that cannot be read, which do not stop the others."""
    if not references:
        return list(desk.folder.issues), list(desk.folder.broken)
    found: list[Issue] = []
    broken: list[ContentError] = []
    for reference in references:
        try:
            found.append(desk.find(reference))
        except ContentError as error:
            broken.append(error)
    if not found and len(broken) == 1:
        raise broken[0]
    return found, broken


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
