"""Findings for people: grouped by issue, each with its line of the source and a caret under the place."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from newsletter.content.issue import Issue
from newsletter.finding import Finding, Severity

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from newsletter.check.rule import Rule

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def findings_lines(checked: Sequence[tuple[Issue, Sequence[Finding]]]) -> list[str]:
    """The whole listing as lines for stdout: coloured on a terminal (unless NO_COLOR is set), as wide as it is."""
    parts: list[Text] = []
    elsewhere: dict[Finding, None] = {}  # what is not about the issue's own file is said once, not for every issue
    for issue, findings in checked:
        own = [finding for finding in findings if finding.file in ("", issue.file)]
        elsewhere |= dict.fromkeys(finding for finding in findings if finding not in own)
        parts += _issue(issue, own)
    for file in dict.fromkeys(finding.file for finding in elsewhere):
        about = [finding for finding in elsewhere if finding.file == file]
        parts.append(_heading(file, about))
        for finding in about:
            parts += _finding(finding, "")
    return _printed(parts)


def rules_lines(rules: Sequence[Rule], levels: Mapping[str, str]) -> list[str]:
    """All rules by group: severity as it is set, id, title."""
    from rich.text import Text

    parts: list[Text] = []
    for group in dict.fromkeys(rule.group for rule in rules):
        parts += [Text(""), Text(group[0].upper() + group[1:], "bold")]
        for rule in (rule for rule in rules if rule.group == group):
            level = levels.get(rule.id, "off" if rule.opt_in else rule.severity.value)
            parts.append(Text.assemble("  ", (f"{level:<8}", _style(level)), f"{rule.id:<26} ", rule.title))
    return _printed(parts[1:])


def rule_lines(rule: Rule, level: str, limit: float | None) -> list[str]:
    """All about one rule."""
    from rich.text import Text

    rows = [("why", rule.why), ("fix", rule.fix), ("source", rule.source)]
    rows += [("limit", f"{limit:g}")] if limit is not None else []
    parts = [Text.assemble((rule.id, "bold"), f"  {level}  {rule.group}"), Text(rule.title)]
    for name, text in rows:
        parts += _wrapped(Text.assemble((f"{name:<8}", "dim"), text), 8)
    example = f'{{ severity = "warning", limit = {limit:g} }}' if limit is not None else '"off"'
    return _printed([*parts, Text.assemble(("set it  ", "dim"), f"[check] {rule.id} = {example}")])


def totals(findings: Iterable[Finding]) -> str:
    """`1 error, 2 warnings, 0 info`."""
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += 1
    error, warning, info = counts.values()
    return f"{error} error{'s' * (error != 1)}, {warning} warning{'s' * (warning != 1)}, {info} info"


def _issue(issue: Issue, findings: Sequence[Finding]) -> list[Text]:
    parts, lines = [_heading(issue.file, findings)], issue.text.split("\n")
    for finding in findings:
        line = lines[finding.line - 1] if finding.line and finding.line <= len(lines) else ""
        parts += _finding(finding, line)
    return parts


def _heading(file: str, findings: Sequence[Finding]) -> Text:
    from rich.text import Text

    return Text.assemble((file, "bold"), f": {totals(findings) if findings else 'nothing found'}")


def _finding(finding: Finding, line: str) -> list[Text]:
    from rich.text import Text

    place = ":".join(str(number) for number in (finding.line, finding.column) if number)
    level = finding.severity.value
    head = Text.assemble("  ", (f"{place or '-':>7}  ", "dim"), (f"{level:<8}", _style(level)), finding.message)
    head.append(f"  [{finding.rule}]", "dim")
    parts = _wrapped(head, 19)
    if line.strip() and finding.line:
        parts += _excerpt(line, finding.line, finding.column or 1)
    if finding.fix:
        parts += _wrapped(Text.assemble(" " * 11, ("fix     ", "green"), finding.fix), 19)
    return parts


def _excerpt(line: str, number: int, column: int) -> list[Text]:
    """The line, cut to the width around its column, and a caret under the column."""
    from rich.cells import cell_len
    from rich.text import Text

    room, bar = _width() - 14, "│" if _speaks_unicode() else "|"
    line = "".join(char if char.isprintable() else " " for char in line)
    start = max(0, min(column - 1 - room // 2, len(line) - room)) if cell_len(line) > room else 0
    shown = ("…" if start else "") + line[start + bool(start) :]
    while cell_len(shown) > room:
        shown = shown[:-2] + "…"
    before = cell_len(shown[: column - 1 - start])
    return [
        Text.assemble((f"{number:>9} {bar} ", "dim"), shown),
        Text.assemble((f"{'':>9} {bar} ", "dim"), " " * before, ("^", "bold red")),
    ]


def _wrapped(text: Text, indent: int) -> list[Text]:
    from rich.text import Text

    console, width = _console(), _width()
    first, *rest = text.wrap(console, width) or [Text("")]
    if not rest:
        return [first]
    # What did not fit on the first line is wrapped once more, below where its text began.
    left = text[len(first.plain) :]
    left = left[len(left.plain) - len(left.plain.lstrip()) :]
    return [first, *(Text.assemble(" " * indent, line) for line in left.wrap(console, width - indent))]


def _printed(parts: Sequence[Text]) -> list[str]:
    console = _console()
    with console.capture() as capture:
        for part in parts:
            part.rstrip()
            console.print(part, soft_wrap=True)
    return capture.get().splitlines()


def _console() -> Console:
    """A console for stdout as it is now: Rich knows NO_COLOR, TERM=dumb, pipes and COLUMNS."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _width() -> int:
    return max(40, _console().width)


def _speaks_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def _style(level: str) -> str:
    return {"off": "dim", **{severity.value: style for severity, style in _STYLES.items()}}[level]
