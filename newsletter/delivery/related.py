"""Corrections and second tries: an issue only for those who got another one, or only for those who did not.

Such an issue has its own text, its own slug and so its own broadcast, with the keys that every broadcast has.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, case, exists, func, literal, select

from newsletter.audience.subscribers import last_id, page
from newsletter.delivery.states import DeliveryState
from newsletter.errors import SafetyError
from newsletter.store.tables import broadcasts, deliveries

GOT, MISSED = "got", "missed"
# Who may have it counts as having it: a second copy is worse than a correction of something that never came.
_HAVE = (
    DeliveryState.ACCEPTED,
    DeliveryState.UNKNOWN,
    DeliveryState.DELIVERED,
    DeliveryState.BOUNCED,
    DeliveryState.COMPLAINED,
)


def require_sent(connection: Connection, relation: str, related_to: str) -> None:
    """SafetyError unless the issue that another one is about was sent, or is being sent."""
    known = connection.execute(select(broadcasts.c.id).where(broadcasts.c.slug == related_to)).first()
    if relation and known is None:
        key = "correction_of" if relation == GOT else "send_to_missed"
        raise SafetyError(
            f'{key}: "{related_to}" was never sent', "name the slug of an issue that was: newsletter status"
        )


def reason(members: Subquery, relation: str, related_to: str) -> ColumnElement[Any]:
    """Why each of `members` (a page of subscribers) gets no mail: their own reason, or that it is not for them."""
    if not relation:
        return members.c.reason
    own = deliveries.alias()
    related = broadcasts.c.slug == related_to
    if relation == MISSED:  # who got it by a second try has it, too
        related |= (broadcasts.c.relation == MISSED) & (broadcasts.c.related_to == related_to)
    theirs = select(broadcasts.c.id).where(related)
    has = exists().where(own.c.broadcast_id.in_(theirs), own.c.subscriber_id == members.c.id, own.c.state.in_(_HAVE))
    left_out, words = (~has, f"did not get {related_to}") if relation == GOT else (has, f"has {related_to}")
    return case((members.c.reason != "", members.c.reason), (left_out, literal(words[:200])), else_=literal(""))


def count_readers(connection: Connection, segment: str, relation: str, related_to: str) -> tuple[int, int]:
    """How many would be mailed now, and how many of the segment not."""
    each = _audience(connection, segment, relation, related_to)
    mailed = func.count().filter(each.c.reason == "")
    row = connection.execute(select(func.count(), mailed).select_from(each)).one()
    return row[1], row[0] - row[1]


def count_nameless(connection: Connection, segment: str, relation: str, related_to: str) -> int:
    """How many of those who would be mailed now gave no name."""
    each = _audience(connection, segment, relation, related_to)
    query = select(func.count()).select_from(each).where(each.c.reason == "", func.trim(each.c.name) == "")
    return connection.execute(query).scalar_one()


def count_by_zone(connection: Connection, segment: str, relation: str, related_to: str) -> dict[str, int]:
    """How many would be mailed now in each time zone, as it is stored; empty for those who told none."""
    each = _audience(connection, segment, relation, related_to)
    query = select(each.c.timezone, func.count()).where(each.c.reason == "").group_by(each.c.timezone)
    return {str(zone): count for zone, count in connection.execute(query)}


def _audience(connection: Connection, segment: str, relation: str, related_to: str) -> Subquery:
    """Everybody of the segment as things are now, with why they would get no mail."""
    last = last_id(connection)
    members = page(0, last, segment, last + 1, datetime.now(UTC)).subquery()
    columns = (members.c.name, members.c.timezone, reason(members, relation, related_to).label("reason"))
    return select(*columns).subquery()
