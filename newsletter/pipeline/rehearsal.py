"""Before sending: what would go out, to how many, through whom; and the approval that `send --now` goes by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from newsletter.config.sections import TrialConfig
from newsletter.content.issue import Issue
from newsletter.delivery.related import count_by_zone, count_readers
from newsletter.delivery.report import find_broadcast, report_of
from newsletter.errors import SafetyError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.desk import Desk, errors_of
from newsletter.pipeline.overview import until
from newsletter.schedule.forecast import slots_of_issues
from newsletter.schedule.passes import upcoming
from newsletter.schedule.queue import Approved, approved
from newsletter.schedule.waves import Wave, waves_ahead
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
        waves = _waves(connection, desk, issue, now)
    batches = -(-count // config.delivery.batch_size)
    seconds = max(0.0, (batches - 1) / config.delivery.requests_per_second)
    data = {
        "slug": issue.slug,
        "digest": edition.digest,
        "subject": edition.subject,
        "subjects": list(edition.subjects),
        "sender": edition.sender,
        "provider": config.provider.name,
        "segment": issue.segment,
        "readers": count,
        "skipped": skipped,
        "waves": [wave.as_json() for wave in waves],
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
        *(f"  subject   {variant.subject}" for variant in edition.variants),
        f"  from      {edition.sender}",
        f"  to        {count} reader{'' if count == 1 else 's'}{whom}; {skipped} would be skipped",
        f"  through   {config.provider.name}, {batches} batch{'' if batches == 1 else 'es'}, at least {seconds:.0f} s",
        f"  size      {len(edition.html.encode()) / 1024:.1f} KB of HTML",
    ]
    lines += [f"  test      {_test_of(config.ab)}"] if edition.subjects else []
    lines += [f"  wave      {wave.told(config.schedule.zone)}" for wave in waves]
    lines += ["  waves     only in a slot; with --now all get it at once"] if waves else []
    lines += [f"  error     {finding.place}: {finding.message}" for finding in errors]
    lines += [f"  sent      its broadcast is {state}: it cannot be sent again"] if state else []
    return data, lines


def _test_of(ab: TrialConfig) -> str:
    sample, later = f"of the subjects, on {ab.share:.0%} of the readers", until(ab.wait).removeprefix("in ")
    return f"{sample}; the others get the better one by {ab.rule}, {later} later"


def _waves(connection: Connection, desk: Desk, issue: Issue, now: datetime) -> list[Wave]:
    """The waves in which the issue would go out in its slot, or, if it has none yet, in the next one."""
    schedule = desk.publication.config.schedule
    if not schedule.local or issue.subjects:
        return []
    turns = slots_of_issues(connection, schedule, now, schedule.approve_by)
    slot = turns.get(issue.slug) or upcoming(connection, schedule, now)
    return waves_ahead(slot, schedule.timezone, count_by_zone(connection, issue.segment, *issue.relation))


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
