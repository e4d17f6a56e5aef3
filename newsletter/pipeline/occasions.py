"""What people should be told just now, read from the database, so that no restart loses it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from newsletter.config import ScheduleConfig
from newsletter.delivery import switch, waves
from newsletter.delivery.pace import DailyLimit
from newsletter.delivery.protocol import Probing, Provider
from newsletter.delivery.related import count_readers
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.states import BroadcastState
from newsletter.errors import NewsletterError
from newsletter.pipeline import agenda
from newsletter.pipeline.agenda import objections_to
from newsletter.pipeline.desk import Desk, errors_of
from newsletter.pipeline.notices import Notice
from newsletter.pipeline.sending import summary
from newsletter.pipeline.weblinks import try_links
from newsletter.schedule.calendar import Entry
from newsletter.schedule.passes import latest_due, rules_of
from newsletter.schedule.queue import approved
from newsletter.schedule.slots import Slot, slot_at
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts, slots

_NEWS = timedelta(days=1)  # what is older is no news: a scheduler that comes back after a week does not tell it all
_STUCK = timedelta(minutes=15)


def next_entry(desk: Desk, connection: Connection, now: datetime) -> Entry:
    """The next slot, and the issue that goes out in it as things stand."""
    objections = objections_to(desk, approved(connection))
    return agenda.next_entries(connection, desk.publication.config.schedule, objections, now)[-1]


def occasions(desk: Desk, connection: Connection, now: datetime) -> Iterator[Notice]:
    """The notices that are due, told or not; `preflight` is not among them, since it takes a while."""
    notify, schedule = desk.publication.config.notify, desk.publication.config.schedule
    entry = next_entry(desk, connection, now)
    if not entry.slug and entry.slot.starts_at - now <= notify.warn_empty:
        why = "\n".join(f"{slug}: {why}" for slug, why in objections_to(desk, approved(connection)).items())
        yield Notice(
            f"empty-soon:{entry.slot.wall_time}",
            f"nothing is queued for the slot of {entry.slot}",
            why or "newsletter approve ISSUE",
        )
    rules, late = rules_of(schedule), latest_due(connection, schedule, now, rules_of(schedule))
    if late and schedule.late_policy == "ask" and not rules.opens(late, now):
        yield _ask(f"ask:{late.wall_time}", f"the slot of {late}", late, schedule)
    for wave in waves.due(connection, now):
        if schedule.late_policy == "ask" and not rules.opens(wave.slot, now) and not switch.is_stopped(connection):
            what = f'"{wave.slug}" in the wave of {wave.slot}'
            yield _ask(f"ask:{wave.broadcast_id}:{wave.slot.timezone}", what, wave.slot, schedule)
    yield from _slots(connection, now, tell_empty=schedule.empty_slot == "notify")
    yield from _broadcasts(desk, connection, now)


def _ask(key: str, what: str, slot: Slot, schedule: ScheduleConfig) -> Notice:
    until = (slot.starts_at + schedule.late_window).astimezone(schedule.zone)
    return Notice(
        key,
        f"{what} is late: send now?",
        f"newsletter scheduler once --late send   (until {until:%A %H:%M}; after that it is missed)",
    )


def _slots(connection: Connection, now: datetime, *, tell_empty: bool) -> Iterator[Notice]:
    states = {"missed": "was missed: nobody was there in time, so nothing was sent"}
    states |= {"empty": "stayed empty: no approved issue was queued for it"} if tell_empty else {}
    query = select(slots).where(slots.c.opened_at > now - _NEWS, slots.c.state.in_(states)).order_by(slots.c.starts_at)
    for row in connection.execute(query).all():
        slot = slot_at(datetime.fromisoformat(row.wall_time), row.timezone)
        yield Notice(f"{row.state}:{row.wall_time}", f"the slot of {slot} {states[row.state]}")


def _broadcasts(desk: Desk, connection: Connection, now: datetime) -> Iterator[Notice]:
    config = desk.publication.config
    fresh = (broadcasts.c.state != BroadcastState.SENT) | (broadcasts.c.finished_at > now - _NEWS)
    for number in connection.execute(select(broadcasts.c.id).where(fresh).order_by(broadcasts.c.id)).scalars().all():
        report = report_of(connection, number)
        if report.state == BroadcastState.SENT and config.notify.report:
            page = f"{config.publication.base_url}/{report.slug}/"
            yield Notice(f"report:{number}", f'"{report.slug}" is sent', f"{summary(report)}\n{page}")
        for wave in report.waves:
            if wave.state == "missed":
                whom = f"{wave.readers} reader{'' if wave.readers == 1 else 's'} in {wave.timezone}"
                yield Notice(
                    f"missed:{number}:{wave.timezone}",
                    f'the wave of "{report.slug}" for {whom} was missed: nobody was there in time',
                    f"they can still get it as an issue of its own, with send_to_missed: {report.slug}",
                )
        reason = hashlib.sha256(report.reason.encode()).hexdigest()[:8]
        if report.state == BroadcastState.PAUSED:
            yield Notice(
                f"paused:{number}:{reason}",
                f'"{report.slug}" is paused: a person is needed',
                f"{report.reason}\n{summary(report)}\nnewsletter status; newsletter send {report.slug} --resume",
            )
        elif report.state == BroadcastState.SENDING and report.reason and now - _begun_at(report) > _STUCK:
            yield Notice(
                f"stuck:{number}:{len(report.to_come)}",
                f'"{report.slug}" is not out yet',
                f"{report.reason}\n{summary(report)}\nthe scheduler goes on with it by itself",
            )


def _begun_at(report: Report) -> datetime:
    """When what is being sent now was to be sent: with waves, the newest that has begun."""
    return max([report.planned_at, *(wave.at for wave in report.waves if wave.state == "begun")])


def preflight(desk: Desk, store: Store, provider: Provider, now: datetime, *, links: bool = True) -> Notice | None:
    """What a try of the next slot shows, as a notice that is quiet where all is well; None where it is not time yet.

    `links`: those of the issue are tried on the web, too.
    """
    ahead = desk.publication.config.notify.preflight
    with store.reading() as connection:
        entry = next_entry(desk, connection, now)
        if entry.slot.starts_at - now > ahead:
            return None
        crowd = _crowd(desk, connection, provider, entry)
    troubles = [*_troubles(desk, provider, entry, now, links=links), *crowd]
    key, what = f"preflight:{entry.slot.wall_time}", f'"{entry.slug}"' if entry.slug else "nothing"
    if troubles:
        return Notice(key, f"the slot of {entry.slot} is in danger: {troubles[0]}", "\n".join(troubles[1:]))
    return Notice(key, f"the slot of {entry.slot} is ready: {what} goes out, all checks pass", quiet=True)


def _crowd(desk: Desk, connection: Connection, provider: Provider, entry: Entry) -> list[str]:
    """Whether the day of the slot has no room for all its readers: `[delivery] daily_limit` and `warm_up`."""
    issue = next((each for each in approved(connection) if each.slug == entry.slug), None)
    settings = desk.publication.config.delivery
    limit = DailyLimit(provider.account, settings.daily_limit, settings.warm_up)
    if issue is None or not limit:
        return []
    readers, _ = count_readers(connection, issue.segment, issue.relation, issue.related_to)
    left = limit.room(connection, entry.slot.starts_at)
    if readers <= left:
        return []
    return [f"it is for {readers} readers, and [delivery] leaves {left} for that day: the rest waits for the next"]


def _troubles(desk: Desk, provider: Provider, entry: Entry, now: datetime, *, links: bool) -> Iterator[str]:
    if not entry.slug:
        yield "no approved issue is queued for it"
    else:
        try:
            issue = desk.find(entry.slug)
            inspection = desk.inspect(issue, desk.render(issue), now)
            tried = try_links(desk.publication, inspection.addresses, now, offline=not links)
            inspection = replace(inspection, known=replace(inspection.known, outcomes=tried.outcomes))
            errors = errors_of(desk.findings(inspection))
            yield from (f"{finding.place}: {finding.message}" for finding in errors)
        except NewsletterError as error:
            yield error.message
    if isinstance(provider, Probing) and (trouble := provider.probe()):
        yield trouble
