"""Why an issue will or will not go out on a day, in sentences."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, select

from newsletter.schedule.queue import approved, in_turn, obstacle
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
        issue = f': "{past.slug}" ({past.sending})' if past.slug else ""
        return [f"The slot of {slot} is over: {past.state}{issue}."]
    if slot.starts_at < now - late_window:
        return [f"The slot of {slot} is over: no scheduler was there to open it, so nothing went out."]
    if slot.starts_at <= now:
        return [f"The slot of {slot} has begun, but no scheduler has opened it yet."]
    waiting = approved(connection)
    if not waiting:
        return [f"The slot of {slot} would stay empty: no issue is approved."]
    turns = in_turn(waiting, slot)
    sentences = [f'"{issue.slug}" will not go out then: {why}.' for issue in waiting if (why := obstacle(issue, slot))]
    ahead = len(slots_between(schedule, now, slot.starts_at))
    if not turns:
        return [f"The slot of {slot} would stay empty.", *sentences]
    if turns[0].pinned_to:
        first = f'"{turns[0].slug}" goes out in the slot of {slot}: it is pinned to it.'
    elif ahead >= len(turns):
        first = f"The slot of {slot} would stay empty: {ahead} slots before it take the issues in the queue."
    else:
        first = f'"{turns[ahead].slug}" goes out in the slot of {slot}, if the queue stays as it is.'
    return [first, *sentences]
