"""Run all rules over an issue and its edition."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from newsletter.check.inspection import Inspection
from newsletter.check.registry import CRASHED, RULES, UNKNOWN_RULE, Hit, Rule
from newsletter.check.rule import CONFIG_FILE
from newsletter.check.silences import complaints, silenced, silences_of
from newsletter.finding import Finding, Severity

OFF = "off"
_ORDER = tuple(Severity)


def check(
    inspection: Inspection,
    levels: Mapping[str, str] = MappingProxyType({}),
    limits: Mapping[str, float] = MappingProxyType({}),
    rules: Iterable[Rule] = RULES,
) -> tuple[Finding, ...]:
    """All findings on one issue, errors first, then by place; each once.

    What reading (`issue.notes`), rendering (`edition.findings`) and others (`known.notes`) noticed is among them.
    `levels` maps a rule's id to `off`, `info`, `warning` or `error`, `limits` to its threshold; an id that no rule has
    is a finding. So is a rule that raises, and a silence that is not needed. What the author silenced is left out.
    """
    rules = tuple(rules)
    noticed = (*inspection.issue.notes, *inspection.edition.findings, *inspection.known.notes)
    known = {rule.id for rule in rules} | {finding.rule for finding in noticed}
    running = [rule for rule in rules if _runs(rule, inspection, levels)]
    found = [*noticed, *_unknown(levels, limits, rules, known)]
    for rule in running:
        found += _run(rule, inspection, limits.get(rule.id, rule.limit) if rule.limit is not None else None)
    silences = silences_of(inspection)
    found, used = silenced(found, silences, inspection.issue.file)
    for rule, hit in complaints(silences, used, {rule.id for rule in running}, known):
        found.append(_finding(rule, hit, inspection.issue.file))
    kept = [_set(finding, levels) for finding in found if levels.get(finding.rule) != OFF]
    return tuple(sorted(dict.fromkeys(map(inspection.issue.really_at, kept)), key=_place))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether the issue may not be approved or sent."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _runs(rule: Rule, inspection: Inspection, levels: Mapping[str, str]) -> bool:
    """Noticed by reading or rendering counts as run, so that a silence of it can be found unused."""
    if levels.get(rule.id) == OFF or (rule.opt_in and rule.id not in levels):
        return False
    return not rule.needs or getattr(inspection.known, rule.needs) is not None


def _run(rule: Rule, inspection: Inspection, limit: float | None) -> list[Finding]:
    if rule.function is None:
        return []
    arguments = (inspection,) if limit is None else (inspection, limit)
    try:
        return [_finding(rule, hit, inspection.issue.file) for hit in rule.function(*arguments)]
    except (Exception, SystemExit) as error:  # whatever a rule does, the others still have their say
        hit = Hit(f"the rule {rule.id} failed: {type(error).__name__}: {error}"[:300])
        return [_finding(CRASHED, hit, inspection.issue.file)]


def _finding(rule: Rule, hit: Hit, file: str) -> Finding:
    return Finding(rule.id, rule.severity, hit.message, hit.file or file, hit.line, hit.column, hit.fix or rule.fix)


def _unknown(
    levels: Mapping[str, str], limits: Mapping[str, float], rules: Iterable[Rule], known: set[str]
) -> Iterator[Finding]:
    limited = {rule.id for rule in rules if rule.limit is not None}
    for name in dict.fromkeys((*levels, *limits)):
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            fix = f'did you mean "{near[0]}"?' if near else "all rules: docs/checks.md"
            yield _finding(UNKNOWN_RULE, Hit(f'[check]: there is no rule "{name}"', fix=fix, file=CONFIG_FILE), "")
        elif name in limits and name not in limited:
            fix = f"take the limit out; with one are: {', '.join(sorted(limited))}"
            yield _finding(UNKNOWN_RULE, Hit(f"[check]: {name} has no limit", fix=fix, file=CONFIG_FILE), "")


def _set(finding: Finding, levels: Mapping[str, str]) -> Finding:
    wished = levels.get(finding.rule)
    return replace(finding, severity=Severity(wished)) if wished else finding


def _place(finding: Finding) -> tuple[int, str, int, int, str]:
    return _ORDER.index(finding.severity), finding.file, finding.line or 0, finding.column or 0, finding.rule
