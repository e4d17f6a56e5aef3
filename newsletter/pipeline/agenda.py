"""Which issue goes out when, with the issues' files looked at: what `queue list` and `calendar` show."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from newsletter.config import ScheduleConfig
from newsletter.delivery.related import count_by_zone
from newsletter.delivery.report import find_broadcast
from newsletter.delivery.waves import waves_of_broadcast
from newsletter.errors import NewsletterError
from newsletter.pipeline.desk import Desk, open_desk
from newsletter.pipeline.repeating import best
from newsletter.pipeline.sending import objection
from newsletter.publication import Publication
from newsletter.schedule.calendar import Entry, entries_of, ics, plan_ahead
from newsletter.schedule.explain import explain_day
from newsletter.schedule.passes import rules_of, upcoming
from newsletter.schedule.queue import Approved, approved
from newsletter.schedule.slots import Slot
from newsletter.schedule.waves import Wave, waves_ahead
from newsletter.store.database import Store

_AHEAD = timedelta(days=366)


def queue_of(
    publication: Publication, store: Store, now: datetime
) -> tuple[list[Approved], Mapping[str, Slot], Mapping[str, str]]:
    """The queue in its order, the slot that each issue will get, and why some must not be sent as they are."""
    schedule = publication.config.schedule
    with store.reading() as connection:
        issues = approved(connection)
        objections = objections_of(publication, issues)
        ahead = plan_ahead(connection, schedule, now + _AHEAD, now, rules_of(schedule), objections=objections)
    return issues, {entry.slug: entry.slot for entry in ahead if entry.slug}, objections


def calendar_of(publication: Publication, store: Store, days: tuple[date, date], now: datetime) -> list[Entry]:
    """The slots from the first day to before the last, with what became of them or is planned for them."""
    schedule = publication.config.schedule
    with store.reading() as connection:
        issues = {issue.slug: issue for issue in approved(connection)}
        objections = objections_of(publication, list(issues.values()))
        entries = entries_of(connection, schedule, days, now, rules_of(schedule), objections=objections)
        return [
            replace(entry, waves=tuple(waves_in(connection, issues.get(entry.slug), entry.slot, schedule.timezone)))
            if entry.state == "planned"
            else replace(entry, waves=tuple(waves_sent(connection, entry.slug)))
            for entry in entries
        ]


def next_entries(
    connection: Connection, schedule: ScheduleConfig, objections: Iterable[str], now: datetime
) -> list[Entry]:
    """The next slot, and before it one that has begun and can still be opened; each with the issue that it gets."""
    end = upcoming(connection, schedule, now).starts_at + timedelta.resolution
    return plan_ahead(connection, schedule, end, now, rules_of(schedule), objections=objections)


def waves_in(connection: Connection, issue: Approved | None, slot: Slot, home: str) -> list[Wave]:
    """The waves in which an approved issue would go out in a slot, with the readers of now."""
    if issue is None or not slot.waves:
        return []
    return waves_ahead(slot, home, count_by_zone(connection, issue.segment, issue.relation, issue.related_to))


def waves_sent(connection: Connection, slug: str) -> list[Wave]:
    """The waves of an issue's broadcast, if it has one in waves."""
    known = find_broadcast(connection, slug)
    return waves_of_broadcast(connection, known) if known is not None else []


def explanation(publication: Publication, store: Store, day: date, now: datetime) -> list[str]:
    """Why issues will or will not go out on a day, in sentences."""
    schedule = publication.config.schedule
    with store.reading() as connection:
        issues = {issue.slug: issue for issue in approved(connection)}
        objections = objections_of(publication, list(issues.values()))

        found = best(connection, now) if schedule.empty_slot == "repeat-best" else None

        def waves(slug: str, slot: Slot) -> list[Wave]:
            planned = waves_in(connection, issues.get(slug), slot, schedule.timezone)
            return planned or waves_sent(connection, slug)

        return explain_day(
            connection,
            schedule,
            day,
            now,
            rules_of(schedule),
            objection=lambda issue: objections.get(issue.slug, ""),
            waves=waves,
            repeats=str(found) if found else "",
        )


def objections_of(publication: Publication, issues: Sequence[Approved]) -> dict[str, str]:
    """Why some of the approved issues must not be sent as they are; where the folder itself cannot be read, that."""
    try:
        return objections_to(open_desk(publication), issues) if issues else {}
    except NewsletterError as error:
        return {issue.slug: error.message for issue in issues}


def objections_to(desk: Desk, issues: Sequence[Approved]) -> dict[str, str]:
    """Why some of the approved issues must not be sent as they are, by slug."""
    return {issue.slug: why for issue in issues if (why := objection(desk, issue))}


def write_ics(path: Path, publication: Publication, entries: Sequence[Entry], now: datetime) -> list[str]:
    """Write the slots as an iCalendar file and say so; `-` is stdout. Raises NewsletterError where it cannot be."""
    data = ics(publication.config.publication.name, entries, now)
    if str(path) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return []
    try:
        path.write_bytes(data)
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}", "name another file") from None
    return [f"{path}: {len(entries)} slots"]
