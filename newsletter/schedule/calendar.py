"""The weeks to come with their slots: as a month view for a terminal, and as an iCalendar file (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select
from wcwidth import wcswidth

from newsletter.schedule.forecast import allot
from newsletter.schedule.passes import Rules, latest_due, upcoming
from newsletter.schedule.queue import Approved, approved
from newsletter.schedule.slots import Schedule, Slot, closed, instant_of, slot_at, slots_between
from newsletter.schedule.waves import Wave, in_effect
from newsletter.store.tables import broadcasts, slots

CELL = 11  # columns of one day: seven of them fit into 80
_ELSEWHERE = timedelta(days=2)  # so far from the publication's day may the same day be elsewhere
_FOLD = 75  # RFC 5545 section 3.1: octets of a line, without its end


@dataclass(frozen=True)
class Entry:
    """One slot of the calendar. `state` is `planned`, `free` (no issue yet), `taken`, `empty`, `missed` or `over`."""

    slot: Slot
    state: str
    slug: str = ""
    sending: str = ""  # the state of the broadcast, where there is one
    waves: tuple[Wave, ...] = ()

    @property
    def words(self) -> str:
        """What happens in the slot, in a few words."""
        if not self.slug:
            return self.state
        return self.slug if self.state == "planned" else f"{self.slug}: {self.sending or 'sent'}"


def entries_of(
    connection: Connection,
    schedule: Schedule,
    days: tuple[date, date],
    now: datetime,
    rules: Rules,
    *,
    objections: Iterable[str] = (),
) -> list[Entry]:
    """The slots from the first day to before the last: what became of them, or what is planned for them now.

    `objections` are the slugs of issues that are approved but must not be sent as they are.
    """
    schedule = in_effect(connection, schedule)
    start, end = (instant_of(datetime.combine(day, time()), schedule.timezone) for day in days)
    start, end = (start - _ELSEWHERE, end + _ELSEWHERE) if schedule.local else (start, end)
    query = select(slots, broadcasts.c.slug, broadcasts.c.state.label("sending"), broadcasts.c.wall_time.label("waves"))
    query = query.outerjoin(broadcasts, broadcasts.c.slot_id == slots.c.id)
    rows = connection.execute(query.where(slots.c.starts_at >= start, slots.c.starts_at < end))
    known = {row.wall_time: _recorded(row, schedule) for row in rows}
    ahead = {
        entry.slot.wall_time: entry
        for entry in plan_ahead(connection, schedule, end, now, rules, objections=objections)
    }
    over = {
        slot.wall_time: Entry(slot, "over")
        for slot in slots_between(schedule, start, min(end, max(now, start)))
        if slot.wall_time not in ahead
    }
    within = {wall: entry for wall, entry in ahead.items() if start <= entry.slot.starts_at < end}
    found = sorted((over | within | known).values(), key=lambda entry: entry.slot)
    return [entry for entry in found if days[0] <= entry.slot.wall.date() < days[1]]


def _recorded(row: Any, schedule: Schedule) -> Entry:
    elsewhere = schedule.local and row.timezone != schedule.timezone
    slot = replace(slot_at(datetime.fromisoformat(row.wall_time), row.timezone), waves=bool(row.waves) or elsewhere)
    return Entry(slot, str(row.state), row.slug or "", row.sending or "")


def plan_ahead(
    connection: Connection,
    schedule: Schedule,
    end: datetime,
    now: datetime,
    rules: Rules,
    *,
    objections: Iterable[str] = (),
) -> list[Entry]:
    """The slots before `end` that can still be opened, each with the issue that it gets if nothing changes."""
    refused, schedule = set(objections), in_effect(connection, schedule)
    due = latest_due(connection, schedule, now, rules)
    ahead = [due] if due and rules.opens(due, now) else []
    ahead += slots_between(schedule, upcoming(connection, schedule, now).starts_at, end)
    free: list[Approved] = [issue for issue in approved(connection) if issue.slug not in refused]
    return [
        Entry(slot, "planned", issue.slug) if issue else Entry(slot, "free")
        for slot, issue in allot(free, ahead, rules.approve_by)
    ]


def month_view(schedule: Schedule, days: tuple[date, date], entries: Sequence[Entry]) -> list[str]:
    """The weeks from Monday to Sunday, then each slot in a line; no line is wider than 80 columns."""
    first, last = days[0] - timedelta(days=days[0].weekday()), days[1]
    by_day = {day: list(group) for day, group in groupby(entries, key=lambda entry: entry.slot.wall.date())}
    lines = ["".join(f"{name:<{CELL}}" for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")).rstrip()]
    month = ""
    while first < last:
        week = [first + timedelta(days=number) for number in range(7)]
        shown = [day for day in week if days[0] <= day < last]
        name = f"{shown[-1]:%B %Y}"
        lines += [name] if name != month else []
        month = name
        cells = [_cell(schedule, day, by_day.get(day, [])) if day in shown else [] for day in week]
        for row in range(max(len(cell) for cell in cells)):
            lines.append("".join(_padded(cell[row] if row < len(cell) else "") for cell in cells).rstrip())
        first += timedelta(days=7)
    lines.append("")
    home = ZoneInfo(schedule.timezone)
    for entry in entries:
        lines.append(_clipped(f"{entry.slot}  {entry.words}", 80))
        lines += [f"    {wave.told(home)}" for wave in entry.waves]
    return lines


def _cell(schedule: Schedule, day: date, entries: Sequence[Entry]) -> list[str]:
    """A day: its number, then for each slot its time and what goes out."""
    head = f"{day.day:>2}" + (" closed" if closed(schedule, day) and not entries else "")
    if not entries:
        return [head]
    first, *others = entries
    lines = [f"{head} {first.slot.wall:%H:%M}", first.slug or first.state]
    for entry in others:
        lines += [f"   {entry.slot.wall:%H:%M}", entry.slug or entry.state]
    return lines


def _padded(text: str) -> str:
    text = _clipped(text, CELL - 1)
    return text + " " * (CELL - max(0, wcswidth(text)))


def _clipped(text: str, width: int) -> str:
    if wcswidth(text) <= width:
        return text
    while wcswidth(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def ics(name: str, entries: Iterable[Entry], now: datetime) -> bytes:
    """The calendar as an iCalendar object (RFC 5545): one event a slot, in UTC, so that no zone has to be described.

    A slot keeps its UID, so that a program that reads the file again changes the event instead of adding one.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//newsletter//calendar//EN", f"X-WR-CALNAME:{_text(name)}"]
    for entry in entries:
        title = entry.slug or {"free": "no issue yet"}.get(entry.state, entry.state)
        status = "TENTATIVE" if entry.state == "free" else "CONFIRMED"
        lines += [
            "BEGIN:VEVENT",
            f"UID:{entry.slot.wall:%Y%m%dT%H%M}-{_uid(name)}@newsletter",
            f"DTSTAMP:{_utc(now)}",
            f"DTSTART:{_utc(entry.slot.starts_at)}",
            "DURATION:PT15M",
            f"SUMMARY:{_text(f'{name}: {title}')}",
            f"DESCRIPTION:{_text(f'{entry.slot}: {entry.words}')}",
            f"STATUS:{status}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    return b"".join(folded + b"\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _folded(line))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _uid(name: str) -> str:
    return name.encode().hex()[:40]


def _text(value: str) -> str:
    """A value of the type TEXT (section 3.3.11)."""
    for char, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        value = value.replace(char, escaped)
    return value


def _folded(line: str) -> Iterator[bytes]:
    """The line in pieces of at most 75 octets, none of which cuts a character; all but the first begin with a space."""
    piece = b""
    for char in line:
        encoded = char.encode()
        if len(piece) + len(encoded) > _FOLD:
            yield piece
            piece = b" "
        piece += encoded
    yield piece
