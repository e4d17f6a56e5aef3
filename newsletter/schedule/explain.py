"""Why an issue will or will not go out on a day, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import takewhile

from sqlalchemy import Connection, select

from newsletter.schedule.forecast import forecast
from newsletter.schedule.queue import Approved, approved, obstacle
from newsletter.schedule.slots import Schedule, Slot, instant_of, next_slot, slots_between
from newsletter.store.tables import broadcasts, slots


def explain_day(
    connection: Connection, schedule: Schedule, day: date, now: datetime, late_window: timedelta = timedelta()
) -> list[str]:
    """What happened or will happen in the slots of a day of the publication's calendar."""
    start = instant_of(datetime.combine(day, time()), schedule.timezone)
    end = instant_of(datetime.combine(day + timedelta(days=1), time()), schedule.timezone)
    found = slots_between(schedule, start, end)
    if not found:
        days = ", ".join(schedule.days)
        after = next_slot(schedule, end - timedelta(seconds=1))
        return [f"{day:%A %Y-%m-%d} has no slot: [schedule] days = {days}. The next slot after it is {after}."]
    return [sentence for slot in found for sentence in _explain(connection, schedule, slot, now, late_window)]


def _explain(
    connection: Connection, schedule: Schedule, slot: Slot, now: datetime, late_window: timedelta
) -> list[str]:
    query = select(slots.c.state, broadcasts.c.slug, broadcasts.c.state.label("sending"))
    query = query.outerjoin(broadcasts, broadcasts.c.slot_id == slots.c.id)
    past = connection.execute(query.where(slots.c.starts_at == slot.starts_at)).first()
    if past:
        issue = f' "{past.slug}" ({past.sending})' if past.slug else ""
        return [f"The slot of {slot} is over: it {_ENDS[past.state]}{issue}."]
    if slot.starts_at < now - late_window:
        return [f"The slot of {slot} is over: no scheduler was there to open it, so nothing went out."]
    if slot.starts_at <= now:
        return [f"The slot of {slot} has begun, but no scheduler has opened it yet."]
    waiting = approved(connection)
    if not waiting:
        return [f"The slot of {slot} would stay empty: no issue is approved."]
    coming = takewhile(lambda pair: pair[0] <= slot, forecast(connection, schedule, now))
    earlier = {at: issue.slug for at, issue in coming if issue}
    goes = next((issue for issue in waiting if issue.slug == earlier.get(slot)), None)
    if goes is None:
        first = f"The slot of {slot} would stay empty."
    elif goes.pinned_to:
        first = f'"{goes.slug}" goes out in the slot of {slot}: it is pinned to it.'
    else:
        first = f'"{goes.slug}" goes out in the slot of {slot}, if the queue stays as it is.'
    return [first, *(_why_not(issue, slot, earlier) for issue in waiting if issue is not goes)]


_ENDS = {"taken": "took", "empty": "stayed empty", "missed": "was missed"}


def _why_not(issue: Approved, slot: Slot, earlier: Mapping[Slot, str]) -> str:
    before = next((at for at, slug in earlier.items() if slug == issue.slug), None)
    if before:
        return f'"{issue.slug}" goes out before, in the slot of {before}.'
    why = obstacle(issue, slot) or "others are before it in the queue"
    return f'"{issue.slug}" does not go out then: {why}.'
