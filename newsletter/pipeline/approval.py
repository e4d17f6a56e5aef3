"""Approving: an edition is rendered, checked, frozen in the store and put into the queue."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.content.issue import Issue, Moment
from newsletter.errors import SafetyError, UsageError
from newsletter.finding import Finding
from newsletter.pipeline.desk import Desk, errors_of
from newsletter.render.edition import Edition
from newsletter.schedule import queue
from newsletter.schedule.forecast import slots_of_issues
from newsletter.schedule.slots import Slot
from newsletter.store.database import Store


@dataclass(frozen=True)
class Approval:
    """What was approved: the edition as it will be sent, what the checks said of it, and where it stands in the queue.

    `slot` is the one that it goes out in if the queue stays as it is, None where there is none within a year.
    """

    edition: Edition
    findings: tuple[Finding, ...]
    place: int
    slot: Slot | None


def approve(desk: Desk, store: Store, issue: Issue, now: datetime, by: str = "") -> Approval:
    """Freeze the issue's edition and queue it. Raises SafetyError where an error finding stands against it."""
    if not desk.holds(issue):
        raise UsageError(
            f"{issue.path}: is not in {desk.publication.issues}", "only what lies there can be approved: copy it"
        )
    edition = desk.render(issue)
    findings = desk.check(issue, edition, now)
    refuse_errors(issue, findings)
    with store.transaction() as connection:
        queue.approve(
            connection,
            edition=edition.as_json(),
            source_digest=issue.source_digest,
            segment=issue.segment,
            pinned_to=wall_text(issue.slot),
            not_before=wall_text(issue.date)[:10],
            findings=[finding.as_json() for finding in findings],
            by=by or _me(),
            now=now,
        )
        slugs = [approved.slug for approved in queue.approved(connection)]
        slot = slots_of_issues(connection, desk.publication.config.schedule, now).get(issue.slug)
    return Approval(edition, findings, slugs.index(issue.slug) + 1, slot)


def unapprove(store: Store, slug: str) -> None:
    """Take an issue out of the queue. Raises UsageError where it is not in it."""
    with store.transaction() as connection:
        if not queue.remove(connection, slug):
            raise UsageError(f'"{slug}" is not in the queue', "see: newsletter queue list")


def refuse_errors(issue: Issue, findings: Sequence[Finding]) -> None:
    """SafetyError that names the first error finding, if there is one."""
    errors = errors_of(tuple(findings))
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        first = f"{errors[0].place or issue.file}: {errors[0].message}{more}"
        raise SafetyError(f'"{issue.slug}" is not ready: {first}', f"see all of it: newsletter check {issue.slug}")


def wall_text(moment: Moment | None) -> str:
    """A day as `YYYY-MM-DD`, a wall time as `YYYY-MM-DDTHH:MM`, nothing as nothing."""
    if moment is None:
        return ""
    return moment.isoformat(timespec="minutes") if isinstance(moment, datetime) else moment.isoformat()


def _me() -> str:
    """Who is at the keyboard, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""
