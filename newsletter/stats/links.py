"""Which links of an issue were followed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Subquery, case, distinct, func, select

from newsletter.delivery.protocol import EventKind
from newsletter.delivery.responses import responses

MOST = 40  # links that are told one by one
OWN_PAGE = "the unsubscribe link"  # each reader's is another one; told together


@dataclass(frozen=True)
class LinkClicks:
    """One address: how many readers followed it, and how often."""

    link: str
    readers: int
    clicks: int


def link_clicks(connection: Connection, broadcast_id: int, unsubscribe: str) -> tuple[LinkClicks, ...]:
    """The links of a broadcast that were followed, the most followed first, at most `MOST` of them.

    `unsubscribe` is how the personal addresses begin that lead out of the list.
    """
    told = responses(EventKind.CLICKED)
    link = _link(told, unsubscribe)
    mine = (told.c.broadcast_id == broadcast_id) & told.c.machine.is_(False) & told.c.subscriber_id.is_not(None)
    rows = select(link.label("link"), told.c.subscriber_id).where(mine, told.c.link != "").subquery()
    readers, clicks = func.count(distinct(rows.c.subscriber_id)), func.count()
    query = (
        select(rows.c.link, readers, clicks).group_by(rows.c.link).order_by(readers.desc(), clicks.desc(), rows.c.link)
    )
    return tuple(LinkClicks(*row) for row in connection.execute(query.limit(MOST)))


def _link(told: Subquery, unsubscribe: str) -> ColumnElement[str]:
    return case((told.c.link.startswith(unsubscribe, autoescape=True), OWN_PAGE), else_=told.c.link)
