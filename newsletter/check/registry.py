"""All rules, in the order in which they are explained; a new one is added to its group's module."""

from __future__ import annotations

from newsletter.check import (
    accessibility,
    clients,
    front_matter,
    headers,
    images,
    inbox,
    language,
    links,
    live_links,
    markdown,
    markup,
    merge_tags,
    parts,
    past,
    plugins,
    readership,
    sender,
    silences,
    size,
    subject,
    targets,
    text,
)
from newsletter.check.rule import Hit, Rule, rule
from newsletter.finding import Severity

__all__ = ["CRASHED", "RULES", "UNKNOWN_RULE", "Hit", "Rule", "Severity", "rule"]

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
    *front_matter.RULES, *past.RULES,
    *subject.RULES, *inbox.RULES, *past.SUBJECT_RULES,
    *markdown.RULES, *markup.RULES,
    *text.RULES, *language.RULES, *past.LANGUAGE_RULES,
    *links.RULES, *markup.LINK_RULES, *targets.RULES, *past.LINK_RULES, *live_links.RULES,
    *images.RULES,
    *clients.RULES,
    *accessibility.RULES,
    *merge_tags.RULES,
    *parts.RULES,
    *headers.RULES, *sender.HEADER_RULES,
    *size.RULES, *parts.SIZE_RULES,
    *sender.RULES, *parts.DELIVERY_RULES,
    *readership.RULES,
    *silences.RULES, CRASHED, plugins.FAILED, UNKNOWN_RULE,
)  # fmt: skip
