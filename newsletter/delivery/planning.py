"""Plan a broadcast: freeze who it is for, and cut them into batches, before the first of them is posted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Row, Subquery, case, func, literal, select, update

from newsletter.audience.subscribers import last_id, page
from newsletter.delivery.related import reason
from newsletter.delivery.states import ELSEWHERE, BatchState, BroadcastState, DeliveryState
from newsletter.delivery.trials import in_part, planned, trial_of
from newsletter.errors import SafetyError
from newsletter.schedule.slots import Slot, waves_of
from newsletter.store.tables import batches, broadcasts, deliveries, subscriber_tags, subscribers

Announce = Callable[[Connection, int, Sequence[int]], None]
PAGE = 1000  # readers a transaction: few enough that no call waits long for it


def _to_nobody(connection: Connection, broadcast_id: int, numbers: Sequence[int]) -> None:
    """Who posts the batches finds them in the ledger."""


def create_broadcast(
    connection: Connection,
    *,
    slug: str,
    digest: str,
    segment: str,
    provider: str,
    now: datetime,
    slot: int | None,
    relation: str = "",
    related_to: str = "",
    keeps_fields: bool = False,
    wall_time: str = "",
    timezone: str = "",
) -> int:
    """Write down that this edition goes to this segment as it is now, and return the broadcast's id.

    `relation` narrows it to those who `got` or `missed` the issue `related_to`. `keeps_fields`: each delivery keeps the
    tags and own fields of its reader as they are when it is planned, since the edition looks at them. With a
    `wall_time` each reader gets it at that time of their own zone, or of `timezone` where it is not known.

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
        "relation": relation,
        "related_to": related_to,
        "provider": provider,
        "keeps_fields": keeps_fields,
        "slot_id": slot,
        "wall_time": wall_time,
        "timezone": timezone,
        "state": BroadcastState.PLANNED,
        "audience_through": last_id(connection),
        "planned_at": now,
    }
    key = connection.execute(broadcasts.insert().values(row)).inserted_primary_key
    assert key is not None  # noqa: S101 - an insert of one row has one key
    return int(key[0])


def record_elsewhere(connection: Connection, *, slug: str, digest: str, sent_at: datetime) -> bool:
    """Write down that an issue went out before it came here; False where it has a broadcast already.

    It is a broadcast like any other, sent and without readers: so the archive shows it, and it is never sent again.
    """
    if connection.execute(select(broadcasts.c.id).where(broadcasts.c.slug == slug)).first():
        return False
    row = {"slug": slug, "digest": digest, "segment": "", "provider": ELSEWHERE, "state": BroadcastState.SENT}
    times = dict.fromkeys(("planned_at", "started_at", "finished_at"), sent_at)
    connection.execute(broadcasts.insert().values(row | times | {"audience_through": 0}))
    return True


@dataclass(frozen=True)
class Planned:
    """What a page of planning did: so many readers in batches, so many skipped; true where there is more to plan."""

    more: bool
    mailed: int = 0
    skipped: int = 0

    def __bool__(self) -> bool:
        return self.more


def plan_page(connection: Connection, broadcast_id: int, size: int, announce: Announce = _to_nobody) -> Planned:
    """Put the next subscribers into batches of `size`; false when everyone is in.

    `announce` is told, in the same transaction, which batches are there to be posted now.

    Who must not be mailed gets a delivery too, `skipped` and in batch 0, so that the ledger accounts for everybody.
    The rows are made by the database itself: a million of them need not come here and go back. A batch is there to be
    posted as soon as it is full, or the last: its readers never change afterwards.
    """
    # The row's lock keeps a second process on PostgreSQL from planning the same page; SQLite has one writer anyway.
    query = select(broadcasts).where(broadcasts.c.id == broadcast_id).with_for_update(skip_locked=True)
    broadcast = connection.execute(query).first()
    if broadcast is None:  # another process is planning
        return Planned(more=True)
    trial = trial_of(connection, broadcast_id)
    part = trial.part if trial else 0
    after = trial.planned_through if trial and part else broadcast.planned_through
    through = broadcast.audience_through
    if after >= through or (trial and not part and trial.winner is None):  # the rest waits for its subject
        return Planned(more=False)
    if broadcast.wall_time and trial is None:
        return _plan_waves(connection, broadcast, size, announce)
    members = page(after, through, broadcast.segment, PAGE, broadcast.planned_at)
    if trial:
        members = members.where(in_part(trial, part, subscribers.c.id))
    rows = members.subquery()
    last, filled = _end(connection, broadcast_id, part)
    columns = {"reason": reason(rows, broadcast.relation, broadcast.related_to), "sample": literal(part)}
    columns |= _kept(rows) if broadcast.keeps_fields else {}
    connection.execute(_insert(broadcast_id, rows, columns, size, (last, filled)))
    written, mailed, reached, number = _written(connection, broadcast_id, after, part, rows if trial else None)
    done = reached if written == PAGE else through
    number = max(last, number) if mailed or filled else last - 1
    whole = done >= through or _filled(connection, broadcast_id, number) >= size
    if made := _add_batches(connection, broadcast_id, number if whole else number - 1):
        announce(connection, broadcast_id, made)
    if trial and part:
        more = planned(connection, trial, done, whole=done >= through)
    else:
        connection.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(planned_through=done))
        more = done < through
    return Planned(more, mailed, written - mailed)


def _end(connection: Connection, broadcast_id: int, part: int) -> tuple[int, int]:
    """The batch that the next readers of a part go into, and how many it holds: no batch has two subjects."""
    last = _last_batch(connection, broadcast_id)
    query = select(deliveries.c.sample).where(deliveries.c.broadcast_id == broadcast_id)
    if last and connection.execute(query.where(deliveries.c.batch_number == last).limit(1)).scalar_one() == part:
        return last, _filled(connection, broadcast_id, last)
    return last + 1, 0


def _plan_waves(connection: Connection, broadcast: Row[Any], size: int, announce: Announce) -> Planned:
    """Put everybody into batches of their wave at once: a reader who moves meanwhile is in one wave all the same.

    A batch's number tells its wave: the batches of the second wave begin at 201, 2001… whatever has room for all.
    """
    through = broadcast.audience_through
    members = page(0, through, broadcast.segment, through, broadcast.planned_at).subquery()
    why = reason(members, broadcast.relation, broadcast.related_to)
    names = connection.execute(select(subscribers.c.timezone).where(subscribers.c.id <= through).distinct()).scalars()
    wall, home = datetime.fromisoformat(broadcast.wall_time), broadcast.timezone
    waves = waves_of(wall, home, {*names, home})
    at_home = next(number for number, zones in enumerate(waves.values(), start=1) if home in zones)
    cases = [(members.c.timezone.in_(zones), number) for number, zones in enumerate(waves.values(), start=1)]
    wave, step = case(*cases, else_=at_home), 10 ** len(str(through // size + 1))
    mailed = why == ""
    place = func.sum(case((mailed, 1), else_=0)).over(partition_by=wave, order_by=members.c.id)
    number = case((mailed, wave * step + 1 + (place - 1) // size), else_=0)
    more = {"reason": why, "sample": literal(0)} | (_kept(members) if broadcast.keeps_fields else {})
    connection.execute(_deliveries(broadcast.id, members, more, number))
    here = deliveries.c.broadcast_id == broadcast.id
    counts = select(deliveries.c.batch_number, func.count()).where(here).group_by(deliveries.c.batch_number)
    found: dict[int, int] = dict(connection.execute(counts).all())
    skipped = found.pop(0, 0)
    moments = list(waves)
    rows = [_batch(broadcast, number, moments[number // step - 1]) for number in sorted(found)]
    if rows:
        connection.execute(batches.insert(), rows)
        announce(connection, broadcast.id, [row["number"] for row in rows if not row["waiting"]])
    connection.execute(update(broadcasts).where(broadcasts.c.id == broadcast.id).values(planned_through=through))
    return Planned(more=False, mailed=sum(found.values()), skipped=skipped)


def _batch(broadcast: Row[Any], number: int, wave: Slot) -> dict[str, Any]:
    row = {"broadcast_id": broadcast.id, "number": number, "state": BatchState.PENDING}
    return row | {"wave": wave.timezone, "wave_at": wave.starts_at, "waiting": wave.starts_at > broadcast.planned_at}


def _add_batches(connection: Connection, broadcast_id: int, through: int) -> Sequence[int]:
    """Make the batches up to the number `through` that are not there; their numbers."""
    known = select(func.coalesce(func.max(batches.c.number), 0)).where(batches.c.broadcast_id == broadcast_id)
    numbers = range(connection.execute(known).scalar_one() + 1, through + 1)
    if numbers:
        new = {"broadcast_id": broadcast_id, "state": BatchState.PENDING}
        connection.execute(batches.insert(), [new | {"number": number} for number in numbers])
    return numbers


def _kept(members: Subquery) -> dict[str, ColumnElement[Any]]:
    """What a delivery keeps of its reader beside name and address: the tags, a line each, and the own fields."""
    tags = select(func.aggregate_strings(subscriber_tags.c.tag, "\n"))
    fields = select(subscribers.c.fields).where(subscribers.c.id == members.c.id)
    return {
        "tags": tags.where(subscriber_tags.c.subscriber_id == members.c.id).scalar_subquery(),
        "fields": fields.scalar_subquery(),
    }


def _insert(
    broadcast_id: int, members: Subquery, more: Mapping[str, ColumnElement[Any]], size: int, end: tuple[int, int]
) -> Insert:
    """The deliveries of a page of members: the last batch, which may hold some already, is filled up, then the next.

    `more` are columns; its `reason` is empty for those who are mailed. `end` is the last batch and how many it holds.
    """
    first, taken = end
    why = more["reason"]
    mailed = why == ""
    place = func.sum(case((mailed, 1), else_=0)).over(order_by=members.c.id)  # 1, 2, 3 … among who is mailed
    return _deliveries(broadcast_id, members, more, case((mailed, first + (taken + place - 1) // size), else_=0))


def _deliveries(
    broadcast_id: int, members: Subquery, more: Mapping[str, ColumnElement[Any]], batch: ColumnElement[Any]
) -> Insert:
    columns = {
        "broadcast_id": literal(broadcast_id),
        "subscriber_id": members.c.id,
        "batch_number": batch,
        "email": members.c.email,
        "email_key": members.c.email_key,
        "name": members.c.name,
        "measured": members.c.measured,
        "state": case((more["reason"] == "", DeliveryState.PENDING), else_=DeliveryState.SKIPPED),
        **more,
    }
    return deliveries.insert().from_select(list(columns), select(*columns.values()), include_defaults=False)


def _written(
    connection: Connection, broadcast_id: int, after: int, part: int, members: Subquery | None
) -> tuple[int, int, int, int]:
    """Of the deliveries to subscribers behind `after`: how many, in batches, the last subscriber, the last batch.

    Where subjects are tested, other parts have deliveries there too: then `members` are those of this page.
    """
    last = func.coalesce(func.max(deliveries.c.subscriber_id), 0), func.coalesce(func.max(deliveries.c.batch_number), 0)
    mailed = func.count().filter(deliveries.c.batch_number > 0)
    behind = (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.subscriber_id > after)
    if members is not None:
        reach = connection.execute(select(func.coalesce(func.max(members.c.id), after))).scalar_one()
        behind &= (deliveries.c.subscriber_id <= reach) & (deliveries.c.sample == part)
    count, in_batches, reached, number = connection.execute(select(func.count(), mailed, *last).where(behind)).one()
    return count, in_batches, reached, number


def _last_batch(connection: Connection, broadcast_id: int) -> int:
    """The last batch with readers; it may not be full, and then it is no batch to be posted yet."""
    query = select(func.coalesce(func.max(deliveries.c.batch_number), 0))
    return int(connection.execute(query.where(deliveries.c.broadcast_id == broadcast_id)).scalar_one())


def _filled(connection: Connection, broadcast_id: int, batch: int) -> int:
    if not batch:
        return 0
    in_batch = (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.batch_number == batch)
    return int(connection.execute(select(func.count()).select_from(deliveries).where(in_batch)).scalar_one())
