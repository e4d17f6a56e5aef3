"""Before sending: what would go out, to how many, through whom; and the approval that `send --now` goes by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from newsletter.content.issue import Issue
from newsletter.delivery.related import count_readers
from newsletter.delivery.report import find_broadcast, report_of
from newsletter.errors import SafetyError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.desk import Desk, errors_of
from newsletter.schedule.queue import Approved, approved
from newsletter.store.database import Store


def rehearse(desk: Desk, store: Store, issue: Issue, now: datetime) -> tuple[dict[str, Any], list[str]]:
    """What sending the issue now would come to, as data and as lines for people. Changes nothing."""
    edition = desk.render(issue)
    errors = errors_of(desk.check(issue, edition, now))
    config = desk.publication.config
    with store.reading() as connection:
        count, skipped = count_readers(connection, issue.segment, *issue.relation)
        known = find_broadcast(connection, issue.slug)
        state = report_of(connection, known).state if known is not None else ""
    batches = -(-count // config.delivery.batch_size)
    seconds = max(0.0, (batches - 1) / config.delivery.requests_per_second)
    data = {
        "slug": issue.slug,
        "digest": edition.digest,
        "subject": edition.subject,
        "sender": edition.sender,
        "provider": config.provider.name,
        "segment": issue.segment,
        "readers": count,
        "skipped": skipped,
        "batches": batches,
        "seconds": round(seconds, 1),
        "html_bytes": len(edition.html.encode()),
        "errors": [finding.as_json() for finding in errors],
        "broadcast": state,
    }
    whom = f" of the segment {issue.segment}" if issue.segment else ""
    whom += f" who {issue.relation[0]} {issue.relation[1]}" if issue.relation[0] else ""
    lines = [
        f"{issue.slug} ({edition.digest[:12]}), nothing is sent:",
        f"  subject   {edition.subject}",
        f"  from      {edition.sender}",
        f"  to        {count} reader{'' if count == 1 else 's'}{whom}; {skipped} would be skipped",
        f"  through   {config.provider.name}, {batches} batch{'' if batches == 1 else 'es'}, at least {seconds:.0f} s",
        f"  size      {len(edition.html.encode()) / 1024:.1f} KB of HTML",
    ]
    lines += [f"  error     {finding.place}: {finding.message}" for finding in errors]
    lines += [f"  sent      its broadcast is {state}: it cannot be sent again"] if state else []
    return data, lines


def approved_or_new(desk: Desk, store: Store, issue: Issue, now: datetime) -> Approved:
    """The approval that stands for the issue as it is now; without one, it is checked and approved here.

    Raises SafetyError where a check finds an error, where the issue is held, or where its file changed since approval.
    """
    found = _in_the_queue(store, issue.slug)
    if found is None:
        approve(desk, store, issue, now)
        found = _in_the_queue(store, issue.slug)
    assert found is not None  # noqa: S101 - it was approved before, or here
    if found.held:
        raise SafetyError(f'"{issue.slug}" is held', f"newsletter queue release {issue.slug}")
    if found.source_digest != issue.source_digest:
        seen = f"approved {found.source_digest[:8]}, now {issue.source_digest[:8]}"
        raise SafetyError(f'"{issue.slug}" changed since its approval ({seen})', f"newsletter approve {issue.slug}")
    return found


def _in_the_queue(store: Store, slug: str) -> Approved | None:
    with store.reading() as connection:
        return next((entry for entry in approved(connection) if entry.slug == slug), None)
