"""Erase a reader who asks for it (GDPR article 17): what stays is a hash that keeps lists from bringing them back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, String, cast, delete, exists, func, literal, null, select, update

from newsletter.audience.consent import record, remove_rows
from newsletter.audience.suppression import erased_key, suppress
from newsletter.store.tables import batches, broadcasts, consents, deliveries, events, subscribers, suppressions, wishes

_OPEN = ("pending", "posting", "unknown")


def forget(connection: Connection, email_key: str, now: datetime) -> bool:
    """Erase whoever has this address; whether anybody had. The ledger keeps its counts, without name and address.

    A batch that is not settled yet keeps the address until it is (`sweep`): a repeat of its call must have the same
    bytes, or others would get the issue twice. The erased one is not in that call: they are barred.
    """
    row = connection.execute(select(subscribers.c.id).where(subscribers.c.email_key == email_key)).first()
    suppress(connection, erased_key(connection, email_key), "erased", "erasure", now)
    connection.execute(delete(suppressions).where(suppressions.c.email_key == email_key))
    connection.execute(delete(wishes).where(func.lower(wishes.c.email) == email_key))
    if row is not None:
        remove_rows(connection, [row.id])
        record(connection, row.id, "erased", "on request", now)
    forget_events = events.c.email_key == email_key
    connection.execute(update(events).where(forget_events).values(email_key="", subscriber_id=None, detail={}))
    sweep(connection)
    return row is not None


def sweep(connection: Connection) -> int:
    """Empty the deliveries of erased readers in batches that are settled; how many there were."""
    erased = list(connection.execute(select(consents.c.subscriber_id).where(consents.c.action == "erased")).scalars())
    if not erased:
        return 0
    here = (batches.c.broadcast_id == deliveries.c.broadcast_id) & (batches.c.number == deliveries.c.batch_number)
    settled = ~exists().where(here, batches.c.state.in_(_OPEN))
    word = literal("erased-").concat(cast(deliveries.c.subscriber_id, String))
    # By broadcast: deliveries are found by their key, and no index of their own is needed.
    mine = deliveries.c.broadcast_id.in_(select(broadcasts.c.id)) & deliveries.c.subscriber_id.in_(erased)
    change = update(deliveries).where(mine, deliveries.c.email_key.not_like("erased-%"), settled)
    gone = {"name": "", "tags": None, "fields": null()}
    return connection.execute(change.values(email=word, email_key=word, **gone)).rowcount
