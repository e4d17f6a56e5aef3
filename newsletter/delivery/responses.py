"""What readers did with a mail: the one place that knows where clicks and opens are written down.

The provider tells of them by events, if its tracking is on; `newsletter serve` counts them, if `[tracking]` says so.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)

from newsletter.delivery.protocol import EventKind
from newsletter.store.tables import broadcasts, clicks, editions, events, opens

MACHINE = "machine"  # in an event's detail: true where a program opened the mail, not its reader
_OURS = {EventKind.CLICKED: (clicks, clicks.c.link), EventKind.OPENED: (opens, literal(""))}
# A provider that follows our own measured links sees the way through us, where it is counted already.
_THROUGH_US = "%/c/%?http%"
# How an edition's variables stand in what is stored of it: its links or its end were measured.
_SIGNS = {
    EventKind.CLICKED: '"click_url": "click_url"',
    EventKind.OPENED: '"open_url": "open_url"',
}


def responses(kind: EventKind) -> Subquery:
    """All of one kind that is known to be about a broadcast: its `broadcast_id`, `subscriber_id` (empty for who was
    erased or objects), `occurred_at`, `link` (empty but for clicks) and whether it was a `machine`.

    A program that fetches the images of every mail before anybody reads it (Apple's Mail Privacy Protection) makes
    opens that mean nothing; where the source tells them apart, they are marked.
    """
    link = func.coalesce(events.c.detail["link"].as_string(), "").label("link")
    told = select(
        events.c.broadcast_id,
        events.c.subscriber_id,
        events.c.occurred_at,
        link,
        func.coalesce(events.c.detail[MACHINE].as_boolean(), false()).label("machine"),
    ).where(events.c.kind == kind, events.c.broadcast_id.is_not(None), link.not_like(_THROUGH_US))
    all_of_them: Select[tuple[object, ...]] | CompoundSelect[tuple[object, ...]] = told
    if kind in _OURS:
        table, followed = _OURS[kind]
        seen = select(
            table.c.broadcast_id, table.c.subscriber_id, table.c.at, followed.label("link"), table.c.machine != ""
        )
        all_of_them = union_all(told, seen)
    return all_of_them.subquery()


def measured(kind: EventKind) -> ColumnElement[bool]:
    """Whether a broadcast was measured by ourselves, so that nothing of this kind means nobody: for queries over
    `broadcasts` joined to `editions`."""
    sign = _SIGNS.get(kind)
    return editions.c.content.contains(sign, autoescape=True) if sign else false()


def any_response(kind: EventKind) -> ColumnElement[bool]:
    """Whether anything of one kind is written down of a broadcast: for queries over `broadcasts`."""
    told = exists().where(events.c.broadcast_id == broadcasts.c.id, events.c.kind == kind)
    if kind not in _OURS:
        return told
    table, _ = _OURS[kind]
    return or_(told, exists().where(table.c.broadcast_id == broadcasts.c.id))
