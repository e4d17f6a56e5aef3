"""What became of each broadcast: planned, taken, delivered, clicked; who was left out, bounced, complained, left.

Counted by the database, a broadcast at a time and each by its key, so that a million deliveries need no memory here.
What is not told by anybody is None, "not measured", and never 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Subquery, distinct, func, select

from newsletter.delivery.protocol import EventKind
from newsletter.delivery.responses import any_response, measured, responses
from newsletter.delivery.states import ELSEWHERE, DeliveryState
from newsletter.store.tables import batches, broadcasts, consents, deliveries, editions

_D = DeliveryState
TAKEN = (_D.ACCEPTED, _D.DELIVERED, _D.BOUNCED, _D.COMPLAINED)  # by the provider
GOT = (_D.ACCEPTED, _D.DELIVERED, _D.COMPLAINED)  # as far as we know, the reader has it


@dataclass(frozen=True)
class Funnel:
    """One broadcast in numbers of readers; only `clicks` are clicks. `planned` is everybody whom it was for.

    `accepted` were taken by the provider, `delivered` are in an inbox (a complaint is one too), `opened` leaves out
    those opens that are known to be a machine's. `unsubscribed` left after this broadcast and before they got another.
    `waiting` are not posted yet, of `unknown` nobody knows whether the provider took them, and `dropped` it left out
    without saying whom.
    """

    id: int
    slug: str
    state: str
    at: datetime
    finished_at: datetime | None
    planned: int
    skipped: Mapping[str, int]
    rejected: Mapping[str, int]
    waiting: int
    unknown: int
    dropped: int
    accepted: int
    unsubscribed: int
    delivered: int | None = None
    bounced: int | None = None
    complained: int | None = None
    clicked: int | None = None
    clicks: int | None = None
    opened: int | None = None
    machine_opened: int | None = None

    @property
    def reached(self) -> int:
        """What rates are of: the delivered, or where nobody tells who that was, those taken and not bounced."""
        return self.delivered if self.delivered is not None else self.accepted - (self.bounced or 0)

    def rate(self, count: int | None) -> float | None:
        """A number of readers as a share of those reached."""
        return None if count is None or not self.reached else count / self.reached


def newest(connection: Connection, last: int) -> list[int]:
    """The ids of the last so many broadcasts that were begun here (0: of all), the oldest first."""
    query = select(broadcasts.c.id).where(broadcasts.c.started_at.is_not(None), broadcasts.c.provider != ELSEWHERE)
    query = query.order_by(broadcasts.c.id.desc())
    return sorted(connection.execute(query.limit(last) if last else query).scalars())


def funnels(connection: Connection, ids: Sequence[int]) -> tuple[Funnel, ...]:
    """What became of these broadcasts, in this order."""
    if not ids:
        return ()
    known = {kind: _measured(connection, kind) for kind in _TOLD}
    left = _left(connection, ids)
    return tuple(_funnel(connection, number, known, left.get(number, 0)) for number in ids)


_TOLD = (EventKind.DELIVERED, EventKind.CLICKED, EventKind.OPENED)


def _funnel(
    connection: Connection, number: int, known: Mapping[EventKind, Collection[int]], unsubscribed: int
) -> Funnel:
    row = connection.execute(select(broadcasts).where(broadcasts.c.id == number)).one()
    mine = deliveries.c.broadcast_id == number
    states = [func.count().filter(deliveries.c.state == state) for state in _D]
    counts = dict(zip(_D, connection.execute(select(*states).where(mine)).one(), strict=True))
    dropped = select(func.coalesce(func.sum(batches.c.dropped), 0)).where(batches.c.broadcast_id == number)
    told = {kind: number in known[kind] for kind in _TOLD}
    clicked, clicks, _ = _responded(connection, EventKind.CLICKED, number) if told[EventKind.CLICKED] else (None,) * 3
    opened, _, machines = _responded(connection, EventKind.OPENED, number) if told[EventKind.OPENED] else (None,) * 3
    delivered = told[EventKind.DELIVERED]
    return Funnel(
        id=number,
        slug=row.slug,
        state=row.state,
        at=row.started_at or row.planned_at,
        finished_at=row.finished_at,
        planned=sum(counts.values()),
        skipped=_reasons(connection, mine, _D.SKIPPED) if counts[_D.SKIPPED] else {},
        rejected=_reasons(connection, mine, _D.REJECTED) if counts[_D.REJECTED] else {},
        waiting=counts[_D.PENDING],
        unknown=counts[_D.UNKNOWN],
        dropped=connection.execute(dropped).scalar_one(),
        accepted=sum(counts[state] for state in TAKEN),
        unsubscribed=unsubscribed,
        delivered=counts[_D.DELIVERED] + counts[_D.COMPLAINED] if delivered else None,
        bounced=counts[_D.BOUNCED] if delivered or counts[_D.BOUNCED] else None,
        complained=counts[_D.COMPLAINED] if delivered or counts[_D.COMPLAINED] else None,
        clicked=clicked,
        clicks=clicks,
        opened=opened,
        machine_opened=machines,
    )


def _reasons(connection: Connection, mine: ColumnElement[bool], state: DeliveryState) -> dict[str, int]:
    query = select(deliveries.c.reason, func.count()).where(mine, deliveries.c.state == state)
    query = query.group_by(deliveries.c.reason).order_by(func.count().desc(), deliveries.c.reason)
    return {row[0]: row[1] for row in connection.execute(query)}


def _responded(connection: Connection, kind: EventKind, number: int) -> tuple[int, int, int]:
    """How many readers did it themselves, how often, and for how many only a machine did."""
    told = responses(kind)
    readers = select(told.c.subscriber_id, _times(told, machine=False).label("own"))
    readers = readers.where(told.c.broadcast_id == number, told.c.subscriber_id.is_not(None))
    each = readers.group_by(told.c.subscriber_id).subquery()
    own = func.count().filter(each.c.own > 0)
    query = select(own, func.coalesce(func.sum(each.c.own), 0), func.count().filter(each.c.own == 0))
    people, times, machines = connection.execute(query.select_from(each)).one()
    return people, int(times), machines


def _times(told: Subquery, *, machine: bool) -> ColumnElement[int]:
    return func.count().filter(told.c.machine.is_(machine))


def _measured(connection: Connection, kind: EventKind) -> frozenset[int]:
    """The broadcasts of which it is known whether there was anything of this kind, so that none means none.

    We measured it ourselves; or something was told of it, or of broadcasts before it and after it. Of a newest one of
    which nobody told anything, nobody can say.
    """
    query = select(broadcasts.c.id, any_response(kind), measured(kind)).order_by(broadcasts.c.id)
    rows = connection.execute(query.join(editions, editions.c.digest == broadcasts.c.digest)).all()
    told = [number for number, some, _ in rows if some]
    between = {number for number, *_ in rows if told and told[0] <= number <= told[-1]}
    return frozenset(between | {number for number, _, ours in rows if ours})


def _left(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """How many readers left, by the last broadcast that they got before."""
    since = select(func.min(broadcasts.c.started_at)).where(broadcasts.c.id.in_(ids)).scalar_subquery()
    last = (
        select(broadcasts.c.id)
        .join(deliveries, deliveries.c.broadcast_id == broadcasts.c.id)
        .where(deliveries.c.subscriber_id == consents.c.subscriber_id, deliveries.c.state.in_(GOT))
        .where(broadcasts.c.started_at <= consents.c.at)
        .order_by(broadcasts.c.id.desc())
        .limit(1)
        .correlate(consents)
        .scalar_subquery()
    )
    words = select(last.label("number"), consents.c.subscriber_id)
    rows = words.where(consents.c.action == "left", consents.c.at >= since).subquery()
    query = select(rows.c.number, func.count(distinct(rows.c.subscriber_id))).where(rows.c.number.is_not(None))
    return {row[0]: row[1] for row in connection.execute(query.group_by(rows.c.number))}
