"""What an operator does to one subscriber by hand; each act is a line of the consent log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, update

from newsletter.audience import consent
from newsletter.audience.addresses import Address, parse_address
from newsletter.audience.subscribers import State
from newsletter.audience.suppression import erased_key, is_suppressed
from newsletter.errors import SafetyError, UsageError
from newsletter.store.tables import subscribers


def address_of(text: str) -> Address:
    """The address that an argument means; raises UsageError for what is none."""
    try:
        return parse_address(text)
    except ValueError as error:
        raise UsageError(f'"{text[:80]}" is no address: {error}', "expected one such as ada@example.org") from None


def add(
    connection: Connection, address: Address, *, name: str, tags: Sequence[str], source: str, now: datetime
) -> bool:
    """Make an address active, on an agreement that `source` tells of; whether it was not before.

    Raises SafetyError for who left, or is suppressed or erased: only their own sign-up brings them back.
    """
    member = consent.find(connection, email_key=address.key)
    left = member is not None and member.state.weight > State.ACTIVE.weight
    if left or is_suppressed(connection, address.key) or is_suppressed(connection, erased_key(connection, address.key)):
        raise SafetyError(
            f"{address.email} has left, or must not be mailed", "they can come back by the sign-up page, by themselves"
        )
    new = member is None or member.state != State.ACTIVE
    if member is None:
        member = consent.ask(connection, address, name=name, language="", source=source, now=now)
    if new:
        values = {"state": State.ACTIVE, "consent_source": source[:200], "consent_at": now, "changed_at": now}
        connection.execute(update(subscribers).where(subscribers.c.id == member.id).values(values))
        consent.record(connection, member.id, "added", source, now)
    consent.tag(connection, member.id, set(tags) - set(member.tags))
    return new
