"""Where a publication stands, for `newsletter status`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from newsletter.audience.subscribers import count_by_state
from newsletter.config import secret
from newsletter.delivery import switch
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.states import ELSEWHERE, DeliveryState
from newsletter.publication import Publication
from newsletter.schedule.passes import upcoming
from newsletter.schedule.queue import approved, in_turn
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts

_SHOWN = 5  # broadcasts, the newest first


def overview(publication: Publication, store: Store, now: datetime) -> tuple[dict[str, Any], list[str]]:
    """The state of a publication as data and as lines for people."""
    with store.reading() as connection:
        slot = upcoming(connection, publication.config.schedule, now)
        readers = count_by_state(connection)
        waiting = approved(connection)
        query = select(broadcasts.c.id).where(broadcasts.c.provider != ELSEWHERE).order_by(broadcasts.c.id.desc())
        newest = connection.execute(query.limit(_SHOWN)).scalars()
        halted = switch.stopped(connection)
        reports = [report_of(connection, number) for number in list(newest)]
    turn = in_turn(waiting, slot)
    data = {
        "publication": publication.config.publication.name,
        "folder": str(publication.folder),
        "subscribers": readers,
        "next_slot": {"starts_at": slot.starts_at.isoformat(), "wall_time": slot.wall_time, "timezone": slot.timezone},
        "next_issue": turn[0].slug if turn else None,
        "queue": [issue.slug for issue in waiting],
        "broadcasts": [report.as_json() for report in reports],
        "stopped": {"since": halted.since.isoformat(), "reason": halted.reason} if halted else None,
    }
    provider = publication.config.provider
    sets = provider.name != "autosend" or secret(provider.api_key)
    through = provider.name if sets else f"the simulator, until {provider.api_key} is set"
    listed = ", ".join(f"{count} {state}" for state, count in readers.items()) or "none yet"
    lines = [
        f"{publication.config.publication.name}  ({publication.folder})",
        f"  subscribers  {listed}",
        f"  next slot    {slot}, {until(slot.starts_at - now)}",
        f"  goes out     {turn[0].slug if turn else 'nothing: no approved issue fits'}",
        f"  queue        {', '.join(issue.slug for issue in waiting) or 'empty'}",
        f"  through      {through}",
        *_stopped_line(halted, publication.config.schedule.zone),
        *(_line(report, publication.config.schedule.zone) for report in reports),
    ]
    return data, lines


def _stopped_line(halted: switch.Stopped | None, zone: ZoneInfo) -> list[str]:
    if halted is None:
        return []
    why = f": {halted.reason}" if halted.reason else ""
    since = f"{halted.since.astimezone(zone):%A %Y-%m-%d %H:%M} {zone.key}"
    return [f"  STOPPED      since {since}{why}; nothing is sent until: newsletter resume"]


def until(distance: timedelta) -> str:
    """A distance in time as people say it: `in 2 days 3 h`, `in 14 min`."""
    minutes = max(0, round(distance.total_seconds() / 60))
    days, hours, left = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"in {days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")
    return f"in {hours} h {left} min" if hours else f"in {left} min"


def _line(report: Report, zone: ZoneInfo) -> str:
    when = (report.finished_at or report.started_at or report.planned_at).astimezone(zone)
    why = f" ({report.reason})" if report.reason else ""
    skipped = report.deliveries.get(DeliveryState.SKIPPED, 0)
    counts = f"{report.sent} of {report.readers - skipped} readers, {skipped} skipped"
    return f"  {report.state:<11}  {report.slug}: {counts}, {when:%A %Y-%m-%d %H:%M} {zone.key}{why}"
