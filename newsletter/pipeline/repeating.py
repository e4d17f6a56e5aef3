"""`[schedule] empty_slot = "repeat-best"`: a slot without an issue brings the best-liked one to who did not get it.

It is an issue of its own for those who missed the first, as `send_to_missed` makes one by hand: nobody gets it twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, union

from newsletter.delivery.related import MISSED, count_readers
from newsletter.delivery.states import ELSEWHERE, BroadcastState, DeliveryState
from newsletter.render.edition import Edition
from newsletter.schedule.queue import Approved, read_edition
from newsletter.schedule.slots import Slot
from newsletter.store.tables import broadcasts, clicks, deliveries, editions, events

_YEAR = timedelta(days=366)  # what is older is not repeated
_DOUBT = 10  # readers who did not click, in thought: three of four are no better than 300 of 500


@dataclass(frozen=True)
class Best:
    """The issue that readers liked best of those that somebody has not got: how many clicked, how many would get it."""

    slug: str
    digest: str
    sent: int
    clicked: int
    readers: int

    def __str__(self) -> str:
        whom = f"{self.readers} reader{'' if self.readers == 1 else 's'} who did not get it"
        return f'"{self.slug}", which {self.clicked} of {self.sent} clicked, to the {whom}'


def best(connection: Connection, now: datetime) -> Best | None:
    """The issue of the last year to all readers in which most of them clicked; None where nobody would get it."""
    got = func.count().filter(deliveries.c.state.not_in([DeliveryState.SKIPPED, DeliveryState.REJECTED]))
    told = select(events.c.broadcast_id, events.c.subscriber_id).where(events.c.kind == "clicked")
    counted = select(clicks.c.broadcast_id, clicks.c.subscriber_id).where(clicks.c.machine == "")
    who = union(told, counted).subquery()  # the provider tells it, or we count it ourselves
    clicked = select(func.count(who.c.subscriber_id)).where(who.c.broadcast_id == broadcasts.c.id).scalar_subquery()
    query = select(broadcasts.c.slug, broadcasts.c.digest, got, clicked)
    query = query.join(deliveries, deliveries.c.broadcast_id == broadcasts.c.id)
    query = query.where(broadcasts.c.state == BroadcastState.SENT, broadcasts.c.planned_at > now - _YEAR)
    query = query.where(broadcasts.c.segment == "", broadcasts.c.relation == "", broadcasts.c.provider != ELSEWHERE)
    rows = connection.execute(query.group_by(broadcasts.c.id).order_by(broadcasts.c.id.desc())).all()
    for slug, digest, sent, clickers in sorted(rows, key=lambda row: row[3] / (row[2] + _DOUBT), reverse=True):
        readers, _ = count_readers(connection, "", MISSED, slug)
        if clickers and readers:
            return Best(slug, digest, sent, clickers, readers)
    return None


def again(connection: Connection, found: Best, slot: Slot, now: datetime) -> Approved:
    """The issue to be sent in the slot, with its own slug and so its own edition, which is written down here."""
    before = Edition.from_json(read_edition(connection, found.digest))
    edition = replace(before, slug=f"{found.slug[:180]}-{slot.wall:%Y-%m-%d}").frozen()
    content = json.dumps(edition.as_json(), ensure_ascii=False, sort_keys=True)
    row = {"digest": edition.digest, "slug": edition.slug, "content": content, "created_at": now}
    connection.execute(editions.insert(), row)
    approved = Approved(edition.slug, edition.digest, edition.source_digest, 0, False, "", "", "", now, "the scheduler")
    return replace(approved, relation=MISSED, related_to=found.slug)
