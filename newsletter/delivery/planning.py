"""Plan a broadcast: freeze who it is for, and cut them into batches, before the first of them is posted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from newsletter.audience.subscribers import Member, last_id, page
from newsletter.delivery.states import BatchState, BroadcastState, DeliveryState
from newsletter.errors import SafetyError
from newsletter.store.tables import batches, broadcasts, deliveries

PAGE = 1000


def create_broadcast(
    connection: Connection, *, slug: str, digest: str, segment: str, provider: str, now: datetime, slot: int | None
) -> int:
    """Write down that this edition goes to this segment as it is now, and return the broadcast's id.

    Raises SafetyError where the issue has a broadcast already: an issue is sent at most once.
    """
    known = connection.execute(select(broadcasts).where(broadcasts.c.slug == slug)).first()
    if known:
        raise SafetyError(
            f'the issue "{slug}" has its broadcast already: {known.state} since {known.planned_at:%Y-%m-%d %H:%M} UTC',
            f"see: newsletter status; go on with an interrupted one: newsletter send {slug} --resume",
        )
    row = {
        "slug": slug,
        "digest": digest,
        "segment": segment,
        "provider": provider,
        "slot_id": slot,
        "state": BroadcastState.PLANNED,
        "audience_through": last_id(connection),
        "planned_at": now,
    }
    key = connection.execute(broadcasts.insert().values(row)).inserted_primary_key
    assert key is not None  # noqa: S101 - an insert of one row has one key
    return int(key[0])


def plan_page(connection: Connection, broadcast_id: int, size: int) -> bool:
    """Put the next subscribers into batches of `size`; False when everyone is in.

    Who must not be mailed gets a delivery too, `skipped` and in batch 0, so that the ledger accounts for everybody.
    """
    # The row's lock keeps a second process on PostgreSQL from planning the same page; SQLite has one writer anyway.
    query = select(broadcasts).where(broadcasts.c.id == broadcast_id).with_for_update()
    broadcast = connection.execute(query).one()
    after, through = broadcast.planned_through, broadcast.audience_through
    members = page(connection, after, through, broadcast.segment, PAGE) if after < through else []
    if members:
        _write(connection, broadcast_id, members, size)
    done = members[-1].id if len(members) == PAGE else through
    change = update(broadcasts).where(broadcasts.c.id == broadcast_id).values(planned_through=done)
    connection.execute(change)
    return bool(done < through)


def cut(members: Sequence[Member], size: int, last: int, filled: int) -> list[int]:
    """The batch number of each member: 0 for who is not mailed, else `last` until it holds `size`, then the next.

    `filled` is how many the batch `last` holds already.
    """
    numbers = []
    for member in members:
        if member.reason:
            numbers.append(0)
            continue
        if last == 0 or filled >= size:
            last, filled = last + 1, 0
        filled += 1
        numbers.append(last)
    return numbers


def _write(connection: Connection, broadcast_id: int, members: Sequence[Member], size: int) -> None:
    query = select(func.coalesce(func.max(batches.c.number), 0)).where(batches.c.broadcast_id == broadcast_id)
    last = connection.execute(query).scalar_one()
    in_last = (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.batch_number == last)
    filled = connection.execute(select(func.count()).select_from(deliveries).where(in_last)).scalar_one()
    numbers = cut(members, size, last, filled)
    new = [{"broadcast_id": broadcast_id, "number": number} for number in sorted(set(numbers)) if number > last]
    if new:
        connection.execute(batches.insert(), [row | {"state": BatchState.PENDING} for row in new])
    rows = [
        {
            "broadcast_id": broadcast_id,
            "subscriber_id": member.id,
            "batch_number": number,
            "email": member.email,
            "email_key": member.email_key,
            "name": member.name,
            "state": DeliveryState.SKIPPED if member.reason else DeliveryState.PENDING,
            "reason": member.reason,
        }
        for member, number in zip(members, numbers, strict=True)
    ]
    connection.execute(deliveries.insert(), rows)
