"""An inspection made of a text, as the tests of rules need it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

from lxml import html

from newsletter.check.caniemail import read_support
from newsletter.check.inspection import Inspection
from newsletter.check.known import Known
from newsletter.check.registry import RULES
from newsletter.check.run import check
from newsletter.content.issue import Issue
from newsletter.content.markdown.document import read_markdown
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.content.prose import prose_of
from newsletter.content.reader import parse_issue
from newsletter.finding import Finding
from newsletter.render.edition import Edition
from newsletter.render.site import Site

TODAY = date(2026, 11, 24)  # a Tuesday
ADDRESS = "Plain AI, 12 Sample Street, 10115 Berlin"
SITE = Site("Plain AI", "https://plain-ai.example", "Plain AI <hello@plain-ai.example>", postal_address=ADDRESS)
FOOT = '<p><a href="{{unsubscribe_url}}">Unsubscribe</a><br>Plain AI<br>12 Sample Street<br>10115 Berlin</p>'
KNOWN = Known(support=read_support({}))
HEADERS = {
    "List-Id": "Plain AI <newsletter.plain-ai.example>",
    "List-Unsubscribe": "<{{unsubscribe_url}}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def issue_of(text: str, name: str = "001-a-name.md") -> Issue:
    return parse_issue(Path("issues") / name, text.encode())


def edition_of(issue: Issue, others: Iterable[Issue] = ()) -> Edition:
    """A stand-in for `render`: the body between a title and a foot that has all that the law wants."""
    document = read_markdown(issue.body, file=issue.file, first_line=issue.body_line)
    body = html.tostring(document.root, encoding="unicode")
    for other in others:
        body = re.sub(rf'href="(?:[./\w]*/)?{re.escape(other.path.name)}', f'href="{SITE.base_url}/{other.slug}/', body)
    tags = [match[1] for part in (issue.subject, issue.body) for match in PLAUSIBLE.finditer(prose_of(part).text)]
    return Edition(
        slug=issue.slug, language=issue.language or "en", sender=SITE.sender, reply_to="", subject=issue.subject,
        preheader=issue.preheader, html=f'<html lang="en"><body><h1>{issue.title}</h1>{body}{FOOT}</body></html>',
        text=f"{issue.title}\n\n{issue.body}\n\nUnsubscribe: {{{{unsubscribe_url}}}}\n{ADDRESS}", web="",
        headers=HEADERS,
        variables={"unsubscribe_url": "unsubscribe_url"} | {f"v{number}": tag for number, tag in enumerate(tags)},
        source_digest=issue.source_digest, findings=document.findings, subjects=issue.subjects,
    )  # fmt: skip


def inspection_of(text: str, *others: Issue, name: str = "001-a-name.md", **changes: object) -> Inspection:
    """An inspection of the issue `text`, the first of all issues but for `others` with a lower number."""
    issue = issue_of(text, name)
    issues = tuple(sorted((issue, *others), key=lambda each: each.path.name))
    return replace(Inspection(issue, edition_of(issue, others), SITE, TODAY, issues, KNOWN), **changes)


def found(inspection: Inspection, rule: str) -> list[Finding]:
    """What `rule` finds; one that is opt-in is switched on."""
    on = {each.id: "warning" for each in RULES if each.opt_in and each.id == rule}
    return [finding for finding in check(inspection, on) if finding.rule == rule]


def places(inspection: Inspection, rule: str) -> list[tuple[int | None, int | None]]:
    """Line and column of each place where `rule` fires."""
    return [(finding.line, finding.column) for finding in found(inspection, rule)]
