"""A month of the calendar as a page asks for it: weeks of days, each with its slots and what goes out in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from newsletter.errors import UsageError
from newsletter.schedule.calendar import Entry
from newsletter.schedule.slots import DAYS, Schedule, closed

_STATES: Mapping[str, str] = {
    "planned": "planned",
    "free": "no issue yet",
    "taken": "sent",
    "empty": "stayed empty",
    "missed": "missed",
    "over": "over",
}


def month_of(wished: str, today: date) -> tuple[date, date]:
    """The first day of the month `YYYY-MM`, or of today's where nothing is wished, and of the one after it."""
    try:
        first = date.fromisoformat(f"{wished}-01") if wished else today.replace(day=1)
        if not 2000 <= first.year < 3000:
            raise ValueError(wished)
    except ValueError:
        raise UsageError(f'"{wished}" is no month', "expected one such as 2026-12") from None
    return first, _next(first)


def month(
    schedule: Schedule, first: date, today: date, entries: Sequence[Entry], files: Mapping[str, str]
) -> dict[str, Any]:
    """The month that begins on `first`. `files` are the issues' names by slug, so that one can be opened."""
    end, day = _next(first), first - timedelta(days=first.weekday())
    weeks = []
    while day < end:
        week = [day + timedelta(days=number) for number in range(7)]
        weeks.append([_day(schedule, one, today, entries, files) if first <= one < end else None for one in week])
        day += timedelta(days=7)
    return {
        "title": f"{first:%B %Y}",
        "month": f"{first:%Y-%m}",
        "previous": f"{first - timedelta(days=1):%Y-%m}",
        "next": f"{end:%Y-%m}",
        "zone": schedule.timezone,
        "weeks": weeks,
    }


def _day(
    schedule: Schedule, day: date, today: date, entries: Sequence[Entry], files: Mapping[str, str]
) -> dict[str, Any]:
    slots = [_slot(entry, files) for entry in entries if entry.slot.wall.date() == day]
    would = DAYS[day.weekday()] in schedule.days
    return {
        "day": day.day,
        "text": f"{day:%A} {day.day} {day:%B}",
        "today": day == today,
        "slots": slots,
        "skipped": closed(schedule, day) if would and not slots else "",
    }


def _slot(entry: Entry, files: Mapping[str, str]) -> dict[str, str]:
    return {
        "time": f"{entry.slot.wall:%H:%M}",
        "state": entry.state,
        "words": _STATES.get(entry.state, entry.state),
        "slug": entry.slug,
        "name": files.get(entry.slug, ""),
    }


def _next(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
