"""Why an issue will or will not go out on a day, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from newsletter.schedule.calendar import Entry, plan_ahead
from newsletter.schedule.passes import Rules, latest_due, pending
from newsletter.schedule.queue import Approved, approved, obstacle
from newsletter.schedule.slots import Schedule, Slot, closed, instant_of, next_slot, slots_between
from newsletter.schedule.waves import Wave, in_effect, in_words
from newsletter.store.tables import broadcasts, slots

_ELSEWHERE = timedelta(days=2)  # so far from the publication's day may the same day be elsewhere
_AHEAD = timedelta(days=366)  # how far an issue's turn is looked for


def explain_day(
    connection: Connection,
    schedule: Schedule,
    day: date,
    now: datetime,
    rules: Rules,
    *,
    objection: Callable[[Approved], str] = lambda _: "",
    waves: Callable[[str, Slot], Sequence[Wave]] = lambda *_: (),
    repeats: str = "",
) -> list[str]:
    """What happened or will happen in the slots of a day of the publication's calendar.

    `objection` says why an approved issue must not be sent as it is, or nothing; `waves` are those in which an issue
    goes out in a slot, or went. `repeats` is what the next slot brings again where no issue is queued for it.
    """
    schedule = in_effect(connection, schedule)
    start = instant_of(datetime.combine(day, time()), schedule.timezone)
    end = instant_of(datetime.combine(day + timedelta(days=1), time()), schedule.timezone)
    around = slots_between(schedule, start - _ELSEWHERE, end + _ELSEWHERE)
    found = [slot for slot in around if slot.wall.date() == day]
    why = closed(schedule, day)
    if not found:
        days = ", ".join(schedule.days)
        after = next_slot(schedule, end - timedelta.resolution)
        return [
            f"{day:%A %Y-%m-%d} has no slot: {why or f'[schedule] days = {days}'}. The next slot after it is {after}."
        ]
    issues = approved(connection)
    objections = {issue.slug: why for issue in issues if (why := objection(issue))}
    planned = plan_ahead(connection, schedule, max(end, now + _AHEAD), now, rules, objections=objections)
    due = latest_due(connection, schedule, now, rules)
    future = _Future(schedule, now, rules, issues, objections, planned, due, waves, repeats)
    return [sentence for slot in found for sentence in _explain(connection, slot, future)]


@dataclass(frozen=True)
class _Future:
    """What is planned now: the slots to come, each with its issue, and the issues that nobody may send."""

    schedule: Schedule
    now: datetime
    rules: Rules
    issues: list[Approved]
    objections: dict[str, str]
    planned: list[Entry]
    due: Slot | None  # has begun, and can still be opened
    waves: Callable[[str, Slot], Sequence[Wave]]
    repeats: str

    def in_waves(self, slug: str, slot: Slot) -> list[str]:
        """A sentence on the waves of an issue, where it has some."""
        waves = self.waves(slug, slot)
        verb = "goes" if all(wave.state == "planned" for wave in waves) else "is out"
        return [f"It {verb} in {in_words(waves, ZoneInfo(self.schedule.timezone))}."] if waves else []

    def turn(self, slug: str) -> Slot | None:
        return next((entry.slot for entry in self.planned if entry.slug == slug), None)


def _explain(connection: Connection, slot: Slot, future: _Future) -> list[str]:
    past, slug = _recorded(connection, slot)
    if past:
        return [past, *(future.in_waves(slug, slot) if slug else [])]
    entry = next((entry for entry in future.planned if entry.slot == slot), None)
    if entry is None:
        return [_begun(connection, slot, future)]
    begun = (
        [f"The slot of {slot} has begun, but no scheduler has opened it yet."] if slot.starts_at <= future.now else []
    )
    goes = next((issue for issue in future.issues if issue.slug == entry.slug), None)
    if goes is None:
        why = "" if future.issues else ": no issue is approved"
        first = f"The slot of {slot} would stay empty{why}."
        if future.repeats:
            first = f"No issue is queued for the slot of {slot}, so it repeats {future.repeats}."
            if slot != future.planned[0].slot:
                first = f"No issue is queued for the slot of {slot}: it repeats a liked one or stays empty."
    elif goes.pinned_to:
        first = f'"{goes.slug}" goes out in the slot of {slot}: it is pinned to it.'
    else:
        first = f'"{goes.slug}" goes out in the slot of {slot}, if the queue stays as it is.'
    waves = future.in_waves(goes.slug, slot) if goes else []
    return [*begun, first, *waves, *(_why_not(issue, slot, future) for issue in future.issues if issue is not goes)]


def _recorded(connection: Connection, slot: Slot) -> tuple[str, str]:
    """What became of the slot, in a sentence, and of which issue; empty where nobody has opened it."""
    query = select(slots.c.state, broadcasts.c.slug, broadcasts.c.state.label("sending"))
    query = query.outerjoin(broadcasts, broadcasts.c.slot_id == slots.c.id)
    row = connection.execute(query.where(slots.c.wall_time == slot.wall_time)).first()
    if row is None:
        return "", ""
    issue = f' "{row.slug}" ({row.sending})' if row.slug else ""
    return f"The slot of {slot} is over: it {_ENDS[row.state]}{issue}.", row.slug or ""


_ENDS = {"taken": "took", "empty": "stayed empty", "missed": "was missed"}


def _begun(connection: Connection, slot: Slot, future: _Future) -> str:
    """A slot that nobody has opened, and that the next pass will not open either."""
    if slot == future.due and future.rules.late_policy == "ask":
        word = "newsletter scheduler once --late send"
        return f"The slot of {slot} has begun late and waits for a person's word ([schedule] late_policy): {word}"
    if slot == future.due:
        return f"The slot of {slot} is over: it is late, and [schedule] late_policy is to skip it. Nothing goes out."
    if slot in pending(connection, future.schedule, future.now, future.rules):
        return f"The slot of {slot} is over: no scheduler was there in time to open it, so nothing goes out in it."
    return f"The slot of {slot} is over: no scheduler was there to open it, so nothing went out."


def _why_not(issue: Approved, slot: Slot, future: _Future) -> str:
    why = future.objections.get(issue.slug) or obstacle(issue, slot, future.rules.approve_by)
    if not why:
        turn = future.turn(issue.slug)
        if turn is None and issue.pinned_to:
            other = next(entry.slug for entry in future.planned if entry.slot == slot)
            why = f'it is pinned to this slot, and so is "{other}", which comes before it'
        elif turn is None:
            why = "other issues come before it in every slot of the coming year"
        elif turn < slot:
            return f'"{issue.slug}" goes out before, in the slot of {turn}.'
        else:
            why = f"its turn is in the slot of {turn}"
    return f'"{issue.slug}" does not go out then: {why}.'
