"""Run all rules over an issue and its edition."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from newsletter.check.inspection import Inspection
from newsletter.check.registry import CRASHED, RULES, UNKNOWN_RULE, Hit, Rule
from newsletter.check.rule import CONFIG_FILE
from newsletter.finding import Finding, Severity

OFF = "off"
_ORDER = tuple(Severity)


def check(
    inspection: Inspection, settings: Mapping[str, str] = MappingProxyType({}), rules: Iterable[Rule] = RULES
) -> tuple[Finding, ...]:
    """All findings on one issue, errors first, then by place; each once.

    What reading (`issue.notes`) and rendering (`edition.findings`) noticed is among them. `settings` maps a rule's id
    to `off`, `info`, `warning` or `error`; an id that no rule has is a finding. A rule that raises is one, too.
    """
    rules = tuple(rules)
    noticed = (*inspection.issue.notes, *inspection.edition.findings)
    known = {rule.id for rule in rules} | {finding.rule for finding in noticed}
    found = [*noticed, *_unknown(settings, known)]
    for rule in rules:
        if rule.function and settings.get(rule.id) != OFF:
            found += _run(rule, inspection)
    kept = [_set(finding, settings) for finding in found if settings.get(finding.rule) != OFF]
    return tuple(sorted(dict.fromkeys(kept), key=_place))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether the issue may not be approved or sent."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _run(rule: Rule, inspection: Inspection) -> list[Finding]:
    if rule.function is None:
        return []
    try:
        return [_finding(rule, hit, inspection.issue.file) for hit in rule.function(inspection)]
    except Exception as error:  # whatever a rule does, the others still have their say
        hit = Hit(f"the rule {rule.id} failed: {type(error).__name__}: {error}"[:300])
        return [_finding(CRASHED, hit, inspection.issue.file)]


def _finding(rule: Rule, hit: Hit, file: str) -> Finding:
    return Finding(rule.id, rule.severity, hit.message, hit.file or file, hit.line, hit.column, hit.fix or rule.fix)


def _unknown(settings: Mapping[str, str], known: set[str]) -> Iterator[Finding]:
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            fix = f'did you mean "{near[0]}"?' if near else "all rules: docs/checks.md"
            yield _finding(UNKNOWN_RULE, Hit(f'[check]: there is no rule "{name}"', fix=fix, file=CONFIG_FILE), "")


def _set(finding: Finding, settings: Mapping[str, str]) -> Finding:
    wished = settings.get(finding.rule)
    return replace(finding, severity=Severity(wished)) if wished else finding


def _place(finding: Finding) -> tuple[int, str, int, int, str]:
    return _ORDER.index(finding.severity), finding.file, finding.line or 0, finding.column or 0, finding.rule
