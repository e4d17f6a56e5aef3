"""Stretches of time that figures are counted by: weeks from Monday or calendar months, in the publication's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case

_A_SEASON = timedelta(days=120)  # a publication that is younger is shown week by week
MOST = 24


@dataclass(frozen=True)
class Period:
    """From `start` up to but not including `end`, both in UTC. The label is its first day, or its month."""

    label: str
    start: datetime
    end: datetime


def periods(first: datetime, now: datetime, zone: ZoneInfo) -> list[Period]:
    """The weeks since `first` where that is not long ago, else the months: at most `MOST`, `now` in the last."""
    return weeks(first, now, zone) if now - first < _A_SEASON else months(first, now, zone)


def months(first: datetime, now: datetime, zone: ZoneInfo, most: int = MOST) -> list[Period]:
    """The calendar months from that of `first` to that of `now`, the last `most` of them."""
    day, last = first.astimezone(zone).date().replace(day=1), now.astimezone(zone).date()
    starts = [day]
    while (following := _next_month(starts[-1])) <= last:
        starts.append(following)
    starts = starts[-most:]
    return _between([*starts, _next_month(starts[-1])], zone, "%Y-%m")


def weeks(first: datetime, now: datetime, zone: ZoneInfo, most: int = MOST) -> list[Period]:
    """The weeks from that of `first` to that of `now`, each from Monday (ISO 8601), the last `most` of them."""
    day, last = first.astimezone(zone).date(), now.astimezone(zone).date()
    starts = [day - timedelta(days=day.weekday())]
    while (following := starts[-1] + timedelta(days=7)) <= last:
        starts.append(following)
    starts = starts[-most:]
    return _between([*starts, starts[-1] + timedelta(days=7)], zone, "%Y-%m-%d")


def place_of(at: ColumnElement[datetime], among: Sequence[Period]) -> ColumnElement[int]:
    """The number of the period that a moment falls into: -1 before the first of them; empty for no moment."""
    steps = [(at < period.start, number - 1) for number, period in enumerate(among)]
    return case((at.is_(None), None), *steps, else_=len(among) - 1)


def _between(days: Sequence[date], zone: ZoneInfo, form: str) -> list[Period]:
    moments = [datetime.combine(day, time(), zone).astimezone(UTC) for day in days]
    return [
        Period(f"{day:{form}}", start, end)
        for day, start, end in zip(days[:-1], moments[:-1], moments[1:], strict=True)
    ]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
