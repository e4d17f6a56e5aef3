"""All rules, in the order in which they are explained; a new one is added to its group's module."""

from __future__ import annotations

from newsletter.check import (
    front_matter,
    headers,
    images,
    links,
    live_links,
    markdown,
    merge_tags,
    silences,
    size,
    subject,
    text,
)
from newsletter.check.rule import Hit, Rule, rule
from newsletter.finding import Severity

__all__ = ["CRASHED", "RULES", "UNKNOWN_RULE", "Hit", "Rule", "rule"]

CRASHED = Rule(
    "rule-crashed", "checks", Severity.WARNING, "A rule failed",
    why="What it was to find may be there all the same.",
    source="our own: one broken rule does not end the check",
    fix="switch the rule off in [check] and report the failure",
)  # fmt: skip
UNKNOWN_RULE = Rule(
    "check-unknown-rule", "checks", Severity.ERROR, "A setting for a rule that does not exist",
    why="A misspelt rule is set to nothing: what was to be an error passes.",
    source="[check] in newsletter.toml",
    fix="correct the name or take the line out",
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *front_matter.RULES, *subject.RULES, *markdown.RULES, *text.RULES, *links.RULES, *live_links.RULES, *images.RULES,
    *merge_tags.RULES, *headers.RULES, *size.RULES, *silences.RULES, CRASHED, UNKNOWN_RULE,
)  # fmt: skip
