"""What readers did with a mail: the one place that knows where clicks and opens are written down."""

from __future__ import annotations

from sqlalchemy import Subquery, false, func, select

from newsletter.delivery.protocol import EventKind
from newsletter.store.tables import events

MACHINE = "machine"  # in an event's detail: true where a program opened the mail, not its reader


def responses(kind: EventKind) -> Subquery:
    """Each event of one kind that is known to be about a broadcast: its `broadcast_id`, `subscriber_id` (empty for who
    was erased), `occurred_at`, `link` (empty but for clicks) and whether it was a `machine`.

    A program that fetches the images of every mail before anybody reads it (Apple's Mail Privacy Protection) makes
    opens that mean nothing; where the source of the event tells them apart, they are marked.
    """
    return (
        select(
            events.c.broadcast_id,
            events.c.subscriber_id,
            events.c.occurred_at,
            func.coalesce(events.c.detail["link"].as_string(), "").label("link"),
            func.coalesce(events.c.detail[MACHINE].as_boolean(), false()).label("machine"),
        )
        .where(events.c.kind == kind, events.c.broadcast_id.is_not(None))
        .subquery()
    )
