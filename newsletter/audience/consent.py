"""A reader's own word: asked to join, confirmed, left, changed their mind. Each is a line of the consent log.

The log holds what was agreed to, when and through which page or command, so that consent can be shown (GDPR article
7(1)); it holds no network address. All functions work on a connection whose transaction the caller ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from newsletter.audience.addresses import Address
from newsletter.audience.measuring import forget_measures
from newsletter.audience.subscribers import State, leave
from newsletter.audience.suppression import erased_key, is_suppressed
from newsletter.store.tables import consents, subscriber_tags, subscribers, suppressions

_ERASED = "@erased.invalid"  # the domain of emptied rows


@dataclass(frozen=True)
class Member:
    """One subscriber as the public pages and the commands see them."""

    id: int
    email: str
    email_key: str
    name: str
    state: State
    language: str
    paused_until: datetime | None
    every_days: int | None
    measured: bool
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What a reader wants to get. `topics` are those of the offered ones that they chose.

    `measured`: whether what they open and click may be counted.
    """

    every_days: int | None
    paused_until: datetime | None
    topics: tuple[str, ...] = ()
    measured: bool = True


def record(connection: Connection, subscriber_id: int, action: str, source: str, now: datetime, **detail: Any) -> None:
    """Add a line to the consent log."""
    row = {"subscriber_id": subscriber_id, "action": action, "source": source[:200], "at": now, "detail": detail}
    connection.execute(consents.insert(), row)


def log_of(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """The consent log of one subscriber, the oldest line first."""
    query = select(consents).where(consents.c.subscriber_id == subscriber_id).order_by(consents.c.at, consents.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def find(connection: Connection, *, member: int | None = None, email_key: str = "") -> Member | None:
    """The subscriber with this id or address; None for nobody, and for the empty row that an erased one left."""
    where = subscribers.c.email_key == email_key if member is None else subscribers.c.id == member
    row = connection.execute(select(subscribers).where(where)).first()
    if row is None or row.email_key.endswith(_ERASED):
        return None
    query = select(subscriber_tags.c.tag).where(subscriber_tags.c.subscriber_id == row.id).order_by("tag")
    tags = tuple(connection.execute(query).scalars())
    values = {name: getattr(row, name) for name in Member.__dataclass_fields__ if name not in ("tags", "state")}
    return Member(**values, state=State(row.state), tags=tags)


def ask(connection: Connection, address: Address, *, name: str, language: str, source: str, now: datetime) -> Member:
    """Somebody asked for this address to be mailed: the subscriber, `pending` where the address is new.

    Nothing changes for one who exists: who left stays away until the confirmation.
    """
    known = find(connection, email_key=address.key)
    if known is None:
        row: dict[str, Any] = {"email": address.email, "email_key": address.key, "state": State.PENDING}
        row |= {"name": name[:200], "language": language[:35], "fields": {}, "created_at": now, "changed_at": now}
        key = connection.execute(subscribers.insert().values(row)).inserted_primary_key
        assert key is not None  # noqa: S101 - an insert of one row has one key
        known = find(connection, member=int(key[0]))
        assert known is not None  # noqa: S101 - just made
    record(connection, known.id, "asked", source, now)
    return known


def asked_since(connection: Connection, subscriber_id: int, moment: datetime) -> int:
    """How often the address was asked for since `moment`."""
    where = (consents.c.subscriber_id == subscriber_id) & (consents.c.action == "asked") & (consents.c.at >= moment)
    return connection.execute(select(func.count()).where(where)).scalar_one()


def confirm(connection: Connection, subscriber_id: int, asked_at: datetime, source: str, now: datetime) -> bool:
    """The reader confirms what was asked at `asked_at`: they are active; whether they are.

    A word given before the reader left does not bring them back, and a suppressed address stays suppressed.
    """
    member = find(connection, member=subscriber_id)
    if member is None or is_suppressed(connection, member.email_key):
        return False
    if member.state == State.ACTIVE:
        return True
    last = select(func.max(consents.c.at)).where(consents.c.subscriber_id == subscriber_id)
    left = connection.execute(last.where(consents.c.action.in_(["left", "complained", "bounced"]))).scalar()
    if left is not None and left > asked_at + timedelta(seconds=1):  # tokens know whole seconds
        return False
    values = {"state": State.ACTIVE, "consent_source": source[:200], "consent_at": now, "changed_at": now}
    connection.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(values))
    connection.execute(delete(suppressions).where(suppressions.c.email_key == erased_key(connection, member.email_key)))
    record(connection, subscriber_id, "confirmed", source, now)
    return True


def goodbye(connection: Connection, subscriber_id: int, source: str, now: datetime) -> bool:
    """The reader leaves; whether that changed anything. Twice is once."""
    changed = leave(connection, subscriber_id, State.UNSUBSCRIBED, now)
    if changed:
        record(connection, subscriber_id, "left", source, now)
    return changed


def prefer(connection: Connection, member: Member, wanted: Wanted, offered: Collection[str], now: datetime) -> None:
    """Write down what a reader wants; of their tags only the offered ones change."""
    values = {"every_days": wanted.every_days, "paused_until": wanted.paused_until, "changed_at": now}
    values["measured"] = wanted.measured
    connection.execute(update(subscribers).where(subscribers.c.id == member.id).values(values))
    if not wanted.measured:
        forget_measures(connection, member.id)
    chosen, had = set(wanted.topics) & set(offered), set(member.tags) & set(offered)
    untag(connection, member.id, had - chosen)
    tag(connection, member.id, chosen - had)
    paused = wanted.paused_until.isoformat() if wanted.paused_until else None
    detail = {
        "every_days": wanted.every_days,
        "paused_until": paused,
        "topics": sorted(chosen),
        "measured": wanted.measured,
    }
    record(connection, member.id, "preferred", "preference page", now, **detail)


def tag(connection: Connection, subscriber_id: int, tags: Collection[str]) -> None:
    """Give a subscriber tags that they do not have."""
    if tags:
        rows = [{"subscriber_id": subscriber_id, "tag": word[:100]} for word in sorted(tags)]
        connection.execute(subscriber_tags.insert(), rows)


def untag(connection: Connection, subscriber_id: int, tags: Collection[str]) -> None:
    """Take tags from a subscriber."""
    mine = (subscriber_tags.c.subscriber_id == subscriber_id) & subscriber_tags.c.tag.in_(sorted(tags))
    connection.execute(delete(subscriber_tags).where(mine))


def move(connection: Connection, subscriber_id: int, address: Address, now: datetime) -> bool:
    """The reader is at another address now, whose inbox confirmed it; whether that was done.

    Where the new address reads already, the old one just leaves: nobody gets an issue twice.
    """
    member = find(connection, member=subscriber_id)
    if member is None or is_suppressed(connection, address.key):
        return False
    if member.email_key == address.key:
        return True
    other = find(connection, email_key=address.key)
    if other is not None:
        confirm(connection, other.id, now, "change of address", now)
        goodbye(connection, subscriber_id, "change of address", now)
        return True
    values = {"email": address.email, "email_key": address.key, "changed_at": now}
    connection.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(values))
    record(connection, subscriber_id, "moved", "preference page", now)
    return True


def drop_unconfirmed(connection: Connection, before: datetime) -> int:
    """Forget who asked before that moment and never confirmed; how many there were."""
    stale = select(subscribers.c.id).where(subscribers.c.state == State.PENDING, subscribers.c.changed_at < before)
    recent = select(consents.c.subscriber_id).where(consents.c.action == "asked", consents.c.at >= before)
    asked = select(consents.c.subscriber_id).where(consents.c.action == "asked")
    ids = connection.execute(
        stale.where(subscribers.c.id.in_(asked), subscribers.c.id.not_in(recent)).limit(1000)
    ).scalars()
    return remove_rows(connection, list(ids))


def remove_rows(connection: Connection, ids: Sequence[int]) -> int:
    """Delete subscribers with their tags and their log, as if they had never asked; how many.

    SQLite gives the number of the last row again once it is deleted, and old links and deliveries name it: the last
    row stays, emptied, until somebody else is the last one.
    """
    last = connection.execute(select(func.max(subscribers.c.id))).scalar() or 0
    for number in ids:
        connection.execute(delete(subscriber_tags).where(subscriber_tags.c.subscriber_id == number))
        connection.execute(delete(consents).where(consents.c.subscriber_id == number))
        forget_measures(connection, number)
        connection.execute(update(subscribers).where(subscribers.c.id == number).values(_emptied(number)))
    gone = subscribers.c.email_key.like(f"erased-%{_ERASED}") & (subscribers.c.id < last)
    connection.execute(delete(subscribers).where(gone))
    return len(ids)


def _emptied(number: int) -> Mapping[str, Any]:
    email = f"erased-{number}{_ERASED}"
    values: dict[str, Any] = {"email": email, "email_key": email, "name": "", "state": State.UNSUBSCRIBED}
    values |= {"language": "", "timezone": "", "fields": {}, "consent_source": "", "consent_at": None}
    return values | {"paused_until": None, "every_days": None, "measured": True}
