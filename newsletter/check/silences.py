"""What an author asked the checks not to say, and why.

checks:                                    in front matter, for the whole issue
  link-insecure: the museum's site has no https

<!-- check off link-insecure: the museum's site has no https -->     for its line, or the next one if it is alone
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, Rule
from newsletter.content.prose import prose_of
from newsletter.finding import Finding, Severity

GROUP = "checks"
_COMMENT = re.compile(r"<!--\s*check\s+off\s+(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)\s*(?::(?P<reason>.*?))?-->", re.DOTALL)

UNUSED = Rule(
    "silence-unused", GROUP, Severity.WARNING, "A silence that silences nothing",
    why="The fault was mended, or the name is misspelt: left standing, it would hide the next one.",
    source="our own",
    fix="take it out",
)  # fmt: skip
NO_REASON = Rule(
    "silence-no-reason", GROUP, Severity.WARNING, "A silence without a reason",
    why="In half a year nobody knows any more whether it still holds.",
    source="our own",
    fix="say why:  <!-- check off RULE: the reason -->  or  checks: {RULE: the reason}",
)  # fmt: skip


@dataclass(frozen=True)
class Silence:
    """A rule that is not to speak on `covers` (a line of the file; None: the whole issue); where that was written."""

    rule: str
    reason: str
    line: int
    column: int
    covers: int | None = None


def silences_of(inspection: Inspection) -> tuple[Silence, ...]:
    """The silences of an issue, in the order of their lines; in code they are only shown."""
    issue = inspection.issue
    whole = [
        Silence(rule, reason, *inspection.place(f"checks.{rule}", "checks")) for rule, reason in issue.checks.items()
    ]
    return (*whole, *_in_comments(inspection))


def silenced(
    findings: Sequence[Finding], silences: Sequence[Silence], file: str
) -> tuple[list[Finding], frozenset[Silence]]:
    """The findings that are left, and the silences that took one away; only those about `file` go by line."""
    left, used = [], set()
    for finding in findings:
        line = finding.line if finding.file == file else None
        hits = {each for each in silences if each.rule == finding.rule and each.covers in (None, line)}
        used |= hits
        if not hits:
            left.append(finding)
    return left, frozenset(used)


def complaints(
    silences: Sequence[Silence], used: frozenset[Silence], ran: Collection[str], known: Collection[str]
) -> Iterator[tuple[Rule, Hit]]:
    """What is wrong with the silences: of a rule that did not run (not among `ran`), nobody can say."""
    for silence in silences:
        if silence.rule not in known:
            near = difflib.get_close_matches(silence.rule, sorted(known), n=1)
            fix = f'did you mean "{near[0]}"?' if near else "see all rules: newsletter check --rules"
            yield UNUSED, Hit(f'there is no rule "{silence.rule}" to silence', silence.line, silence.column, fix)
        elif silence not in used and silence.rule in ran:
            yield UNUSED, Hit(f"{silence.rule} finds nothing here to silence", silence.line, silence.column)
        if not silence.reason.strip():
            yield NO_REASON, Hit(f"nobody says why {silence.rule} is silenced", silence.line, silence.column)


def _in_comments(inspection: Inspection) -> Iterator[Silence]:
    body = inspection.issue.body
    if "<!--" not in body:
        return
    shown = prose_of(body, comments=True).text
    for match in _COMMENT.finditer(body):
        if not shown.startswith("<!--", match.start()):
            continue
        line, column = inspection.at(match.start())
        for rule in match["rules"].split(","):
            covers = line + _lines_to_the_covered(body, *match.span())
            yield Silence(rule.strip(), match["reason"] or "", line, column, covers)


def _lines_to_the_covered(body: str, start: int, end: int) -> int:
    """How many lines below the comment's first line the line lies that it is about."""
    before, after = body[body.rfind("\n", 0, start) + 1 : start], body[end:]
    own = body.count("\n", start, end)
    if before.strip(" \t>*-+") or after.split("\n", 1)[0].strip():
        return own
    blank = len(after) - len(after.lstrip())
    return own + after.count("\n", 0, blank)


RULES = (UNUSED, NO_REASON)
