"""`newsletter check`: what the rules have to say, for people and for other programs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.arguments import ISSUES
from newsletter.cli.choosing import chosen_issues, editions_of
from newsletter.cli.findings import findings_lines, rule_lines, rules_lines, totals
from newsletter.cli.opening import publication_of, store_of
from newsletter.cli.output import Output
from newsletter.errors import ContentError, NewsletterError, UsageError
from newsletter.finding import Finding, Severity

if TYPE_CHECKING:
    from newsletter.check.inspection import Inspection
    from newsletter.content.issue import Issue
    from newsletter.pipeline.desk import Desk
    from newsletter.pipeline.weblinks import Trial

_FORMATS = ("human", "github", "sarif", "junit")


@dataclass(frozen=True)
class _Checked:
    """Which issues were checked with what result, and which could not be read."""

    inspected: tuple[tuple[Inspection, tuple[Finding, ...]], ...]
    broken: tuple[ContentError, ...]
    trial: Trial
    mends: tuple[dict[str, Any], ...] = ()

    @property
    def issues(self) -> list[tuple[Issue, tuple[Finding, ...]]]:
        """Each issue with its findings."""
        return [(inspection.issue, findings) for inspection, findings in self.inspected]

    @property
    def findings(self) -> list[Finding]:
        """All of them, those about no issue once; a file that cannot be read is one, too."""
        found = [finding for _, findings in self.issues for finding in findings]
        return list(dict.fromkeys([*found, *(_unreadable(error) for error in self.broken)]))


def check(
    context: typer.Context,
    issues: Annotated[list[str] | None, ISSUES] = None,
    strict: bool = typer.Option(False, "--strict", help="Warnings fail too."),
    form: str = typer.Option("human", "--format", metavar="|".join(_FORMATS), help="How findings are printed."),
    fix: bool = typer.Option(False, "--fix", help="Mend what is mechanical, and show the difference."),
    dry_run: bool = typer.Option(False, "--dry-run", help="With --fix: show the difference only."),
    offline: bool = typer.Option(False, "--offline", help="Do not try links on the web."),
    rules: bool = typer.Option(False, "--rules", help="List all rules."),
    explain: str = typer.Option("", "--explain", metavar="RULE", help="Say all about one rule."),
) -> None:
    """Look for mistakes before readers do.

    Exit code 1 where an error is found, with --strict where a warning is. Links are tried on the web, and what came
    out is remembered for a while.
    """
    from newsletter.pipeline.desk import open_desk

    out: Output = context.obj
    out.command = "check"
    if form not in _FORMATS:
        raise UsageError(f'--format: there is no "{form}"', f"expected one of {', '.join(_FORMATS)}")
    if dry_run and not fix:
        raise UsageError("--dry-run goes with --fix", "newsletter check --fix --dry-run")
    desk = open_desk(publication_of(out))
    if rules or explain:
        _about_rules(out, desk, explain)
        return
    now = datetime.now(UTC)
    checked = _check(out, desk, issues, now, offline=offline)
    if fix:
        mends = _mend(out, checked, write=not dry_run, shown=form == "human")
        if mends and not dry_run:
            checked = _check(out, open_desk(desk.publication), issues, now, offline=offline)
        checked = replace(checked, mends=mends)
    _report(out, desk, checked, form, strict=strict)


def _check(out: Output, desk: Desk, references: list[str] | None, now: datetime, *, offline: bool) -> _Checked:
    chosen, broken = chosen_issues(desk, references)
    inspections = [desk.inspect(issue, edition, now) for issue, edition in editions_of(desk, chosen, broken)]
    trial = _try_links(out, desk, inspections, now, offline=offline)
    told = [replace(each, known=replace(each.known, outcomes=trial.outcomes)) for each in inspections]
    told = _ask_store(out, desk, told, now)
    found = tuple((each, desk.findings(each)) for each in told)
    return _Checked(found, tuple(broken), trial)


def _mend(out: Output, checked: _Checked, *, write: bool, shown: bool) -> tuple[dict[str, Any], ...]:
    """Mend what can be mended and say what that was: the difference on stdout for people, else in the data."""
    from newsletter.check.mending import mends_of
    from newsletter.pipeline.mending import difference, write_mended

    made = []
    for inspection, findings in checked.inspected:
        mends = mends_of(inspection, (finding.rule for finding in findings))
        if not mends:
            continue
        lines = difference(inspection.issue, mends)
        if write:
            write_mended(inspection.issue, mends)
        for line in lines if shown and not out.json else ():
            out.line(line)
        rules = [{"rule": mend.rule, "line": mend.line} for mend in mends]
        made.append({"file": inspection.issue.file, "mended": rules, "diff": "\n".join(lines), "written": write})
    return tuple(made)


def _try_links(out: Output, desk: Desk, inspections: list[Inspection], now: datetime, *, offline: bool) -> Trial:
    from newsletter.pipeline.weblinks import try_links

    urls = [url for inspection in inspections for url in inspection.addresses]

    def notice(count: int) -> None:
        if sys.stderr.isatty() and not out.json:
            out.say(f"trying {count} link{'s' * (count != 1)} …")

    return try_links(desk.publication, urls, now, offline=offline, notice=notice)


def _ask_store(out: Output, desk: Desk, inspections: list[Inspection], now: datetime) -> list[Inspection]:
    """What the store knows of each, if there is one; a check goes on without it."""
    from newsletter.pipeline.preflight import has_store, with_store

    if not inspections or not has_store(desk.publication):
        return inspections
    try:
        with store_of(desk.publication) as store:
            return [with_store(each, store, desk.publication.config, now) for each in inspections]
    except NewsletterError as error:
        out.warn(f"readers and approvals were not looked at: {error.message}")
        return inspections


def _report(out: Output, desk: Desk, checked: _Checked, form: str, *, strict: bool) -> None:
    """Print the result in the form that was asked for; the exit code is the same for each."""
    counts = {level.value: sum(found.severity is level for found in checked.findings) for level in Severity}
    data = {
        "issues": {issue.slug: [finding.as_json() for finding in found] for issue, found in checked.issues},
        "unreadable": [{"message": error.message, "hint": error.hint} for error in checked.broken],
        "links": checked.trial.as_json(),
        "fixes": checked.mends,
        **{"errors": counts["error"], "warnings": counts["warning"], "infos": counts["info"]},
    }
    failed = counts["error"] > 0 or (strict and counts["warning"] > 0)
    out.result(data, [] if out.json else _lines(desk, checked, form, strict=strict), ok=not failed)


def _lines(desk: Desk, checked: _Checked, form: str, *, strict: bool) -> list[str]:
    from newsletter import __version__
    from newsletter.check import formats

    prefix = _prefix(desk.publication.folder)
    if form == "github":
        return formats.as_github(checked.findings, prefix)
    if form == "sarif":
        return [formats.as_sarif(checked.findings, desk.rules, __version__, prefix)]
    if form == "junit":
        suites = {issue.file: found for issue, found in checked.issues}
        suites |= {str(error.path): (_unreadable(error),) for error in checked.broken}
        return [formats.as_junit(suites, strict=strict)]
    number = len(checked.issues) + len(checked.broken)
    lines = findings_lines(checked.issues)
    lines += [f"error: {error.message}" + (f" ({error.hint})" if error.hint else "") for error in checked.broken]
    if checked.trial.outcomes:
        lines.append(str(checked.trial))
    return [*lines, f"{number} issue{'s' * (number != 1)} checked: {totals(checked.findings)}"]


def _about_rules(out: Output, desk: Desk, wanted: str) -> None:
    levels, limits = desk.levels, desk.limits
    if not wanted:
        listed = [_rule_json(rule, levels, limits) for rule in desk.rules]
        out.result({"rules": listed}, rules_lines(desk.rules, levels))
        return
    found = next((rule for rule in desk.rules if rule.id == wanted), None)
    if found is None:
        import difflib

        near = difflib.get_close_matches(wanted, [rule.id for rule in desk.rules], n=1)
        hint = f'did you mean "{near[0]}"?' if near else "see all rules: newsletter check --rules"
        raise UsageError(f'there is no rule "{wanted}"', hint)
    data = _rule_json(found, levels, limits)
    out.result(data, rule_lines(found, data["severity"], data["limit"]))


def _rule_json(rule: Any, levels: Any, limits: Any) -> dict[str, Any]:
    level = levels.get(rule.id, "off" if rule.opt_in else rule.severity.value)
    names = ("id", "group", "title", "why", "source", "fix")
    return {name: getattr(rule, name) for name in names} | {
        "severity": level,
        "limit": limits.get(rule.id, rule.limit),
    }


def _unreadable(error: ContentError) -> Finding:
    path = Path(error.path)
    message = error.message.partition(": ")[2] or error.message
    return Finding("unreadable", Severity.ERROR, message, f"{path.parent.name}/{path.name}", error.line, 1, error.hint)


def _prefix(folder: Path) -> str:
    """What leads from here to the publication, so that other programs find its files; "" where they are here."""
    try:
        relative = folder.relative_to(Path.cwd()).as_posix()
    except ValueError:
        relative = Path(os.path.relpath(folder)).as_posix()
    return "" if relative == "." else f"{relative}/"
