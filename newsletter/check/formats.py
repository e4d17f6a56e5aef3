"""Findings as other programs read them: GitHub's annotations, SARIF, JUnit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from newsletter.check.rule import Rule
from newsletter.finding import Finding, Severity

_SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def as_github(findings: Iterable[Finding], prefix: str = "") -> list[str]:
    """Annotations of GitHub Actions (docs.github.com, workflow commands); `prefix` leads to the publication."""
    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
    lines = []
    for finding in findings:
        place = [f"file={_property(prefix + finding.file)}"] if finding.file else []
        place += [f"line={finding.line or 1}", f"col={finding.column or 1}", f"title={_property(finding.rule)}"]
        text = f"{finding.message}. {finding.fix}" if finding.fix else finding.message
        lines.append(f"::{levels[finding.severity]} {','.join(place)}::{_data(text)}")
    return lines


def as_sarif(findings: Sequence[Finding], rules: Sequence[Rule], version: str, prefix: str = "") -> str:
    """A log of SARIF 2.1.0 (OASIS standard of 27 March 2020)."""
    places = {rule.id: number for number, rule in enumerate(rules)}
    results = []
    for finding in findings:
        text = f"{finding.message}. {finding.fix}" if finding.fix else finding.message
        result: dict[str, Any] = {"ruleId": finding.rule, "level": _SARIF_LEVELS[finding.severity]}
        result["message"] = {"text": text}
        if finding.rule in places:
            result["ruleIndex"] = places[finding.rule]
        region = {"startLine": finding.line or 1, "startColumn": finding.column or 1}
        artifact = {"uri": quote(prefix + finding.file)}
        if finding.file:
            result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
        results.append(result)
    driver = {"name": "newsletter", "version": version, "rules": [_sarif_rule(rule) for rule in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2)


def as_junit(issues: Mapping[str, Sequence[Finding]], *, strict: bool) -> str:
    """JUnit's XML: a suite for each file, a case for each finding; errors fail, with `strict` warnings too."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring  # noqa: PLC0415 - writes only

    failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    root = Element("testsuites", name="newsletter check")
    for file, findings in issues.items():
        failed = sum(finding.severity in failing for finding in findings)
        suite = SubElement(root, "testsuite", name=file, tests=str(max(1, len(findings))), failures=str(failed))
        if not findings:
            SubElement(suite, "testcase", classname=file, name="all rules")
        for finding in findings:
            name = f"{finding.rule} {finding.line or ''}".strip()
            case = SubElement(suite, "testcase", classname=file, name=name, file=finding.file)
            text = _NO_XML.sub("�", f"{finding.place}: {finding.message}\n{finding.fix}".strip())
            if finding.severity in failing:
                message = _NO_XML.sub("�", finding.message)
                SubElement(case, "failure", type=finding.severity.value, message=message).text = text
            else:
                SubElement(case, "system-out").text = f"{finding.severity.value}: {text}"
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.fix}\nSource: {rule.source}"},
        "defaultConfiguration": {"level": _SARIF_LEVELS[rule.severity], "enabled": not rule.opt_in},
    }


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
