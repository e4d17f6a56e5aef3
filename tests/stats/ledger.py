"""A small publication of chance in the database, and its figures counted by hand from the raw rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Connection, select

from newsletter.audience import consent, erasure, hand
from newsletter.audience.addresses import parse_address
from newsletter.audience.files import Entry
from newsletter.audience.importing import import_entries
from newsletter.audience.subscribers import State, leave
from newsletter.store.tables import (
    batches,
    broadcasts,
    clicks,
    consents,
    deliveries,
    editions,
    events,
    metadata,
    opens,
    subscribers,
)

START = datetime(2026, 1, 30, 20, tzinfo=UTC)
DOMAINS = ("gmail.com", "hotmail.fr", "yahoo.co.uk", "company.example")
LINKS = ("https://a.example/", "https://b.example/x?y=1", "https://us.example/unsubscribe/token-of-one", "")
UNSUBSCRIBE = "https://us.example/unsubscribe/"
PEOPLE = 6
_DEEDS = ("ask", "confirm", "add", "leave", "bounce", "complain", "import", "import pending", "import gone", "forget")

words = st.lists(
    st.tuples(st.sampled_from(_DEEDS), st.integers(0, PEOPLE - 1), st.integers(0, 700)), max_size=25
)  # what happens, to whom, so many hours after the last one
fate = st.tuples(
    st.sampled_from(["pending", "accepted", "rejected", "skipped", "unknown", "delivered", "bounced", "complained"]),
    st.sampled_from(["", "left", "full"]),
    st.integers(1, 2),  # batch
    st.lists(
        st.tuples(
            st.sampled_from(["delivered", "opened", "clicked", "bounced", "opened here", "clicked here"]),
            st.integers(0, 200),  # hours after the broadcast was begun
            st.sampled_from(LINKS),
            st.booleans(),  # a machine
            st.booleans(),  # of a reader who was erased
        ),
        max_size=3,
    ),
)
mailings = st.lists(st.lists(fate, min_size=PEOPLE, max_size=PEOPLE), max_size=3)


def address(who: int) -> str:
    return f"reader{who}@{DOMAINS[who % len(DOMAINS)]}"


def empty(connection: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.execute(table.delete())


def live(connection: Connection, deeds: Sequence[tuple[str, int, int]]) -> datetime:
    """Let people come and go, by the functions that the program itself uses; the moment of the last deed."""
    now = START
    for deed, who, hours in deeds:
        now += timedelta(hours=hours)
        _do(connection, deed, address(who), now)
    return now


def _do(connection: Connection, deed: str, email: str, now: datetime) -> None:
    member = consent.find(connection, email_key=email)
    if deed == "ask":
        consent.ask(connection, parse_address(email), name="", language="", source="form", now=now)
    elif deed == "add" and (member is None or member.state in (State.PENDING, State.ACTIVE)):
        try:
            hand.add(connection, parse_address(email), name="", tags=(), source="hand", now=now)
        except Exception as error:
            assert "must not be mailed" in str(error)  # erased before
    elif deed.startswith("import"):
        state = {"import": State.ACTIVE, "import pending": State.PENDING, "import gone": State.UNSUBSCRIBED}[deed]
        import_entries(connection, [Entry(1, email, email, state=state)], source="list", now=now)
    elif deed == "forget":
        erasure.forget(connection, email, now)
    elif member and deed == "confirm":
        consent.confirm(connection, member.id, now, "link", now)
    elif member and deed == "leave":
        consent.goodbye(connection, member.id, "page", now)
    elif member and deed in ("bounce", "complain"):
        state = State.BOUNCED if deed == "bounce" else State.COMPLAINED
        if leave(connection, member.id, state, now):
            consent.record(connection, member.id, state.value, "event", now)


def mail(connection: Connection, fates: Sequence[Sequence[Any]]) -> None:
    """Broadcasts with these deliveries and events, a week apart, the first ten days after the start."""
    if fates:
        connection.execute(editions.insert(), {"digest": "d", "slug": "s", "content": "{}", "created_at": START})
    for number, mine in enumerate(fates, start=1):
        at = START + timedelta(days=3 + 7 * number)
        row = {"id": number, "slug": f"issue-{number}", "digest": "d", "state": "sent", "audience_through": PEOPLE}
        connection.execute(broadcasts.insert(), row | {"planned_at": at, "started_at": at})
        for batch in (1, 2):
            settled = at + timedelta(minutes=7 * batch)
            place = {"broadcast_id": number, "number": batch, "state": "accepted", "dropped": batch - 1}
            connection.execute(batches.insert(), place | {"settled_at": settled, "reference": f"{number}-{batch}"})
        for who, (state, reason, batch, told) in enumerate(mine):
            place = {"broadcast_id": number, "subscriber_id": who + 1, "batch_number": batch, "state": state}
            place |= {"reason": reason if state in ("skipped", "rejected") else ""}
            connection.execute(deliveries.insert(), place | {"email": address(who), "email_key": address(who)})
            for kind, hours, link, machine, erased in told:
                detail = ({"link": link} if kind == "clicked" and link else {}) | ({"machine": True} if machine else {})
                of = {"subscriber_id": None if erased else who + 1, "broadcast_id": number, "detail": detail}
                _tell(connection, kind, at + timedelta(hours=hours), of)


def _tell(connection: Connection, kind: str, at: datetime, of: Mapping[str, Any]) -> None:
    if kind.endswith("here"):
        _count(connection, kind, at, of)
        return
    count = len(connection.execute(select(events.c.id)).all())
    row = {"source": "test", "key": str(count), "kind": kind, "email_key": "", "reference": "r", "state": "applied"}
    connection.execute(events.insert(), row | {"occurred_at": at, "received_at": at} | of)


def _count(connection: Connection, kind: str, at: datetime, of: Mapping[str, Any]) -> None:
    """A click or open that was measured by ourselves."""
    row = {"broadcast_id": of["broadcast_id"], "subscriber_id": of["subscriber_id"], "at": at}
    row |= {"machine": "agent" if of["detail"].get("machine") else ""}
    if kind == "opened here":
        connection.execute(opens.insert(), row)
    else:
        connection.execute(clicks.insert(), row | {"link": LINKS[at.day % 2]})


@dataclass(frozen=True)
class Told:
    """Something that a reader did, wherever it is written down."""

    kind: str
    broadcast_id: int
    subscriber_id: int | None
    occurred_at: datetime
    link: str
    machine: bool


def told_of(connection: Connection, number: int | None = None) -> list[Told]:
    """All of it, or of one broadcast."""
    found = [
        Told(
            row.kind,
            row.broadcast_id,
            row.subscriber_id,
            row.occurred_at,
            row.detail.get("link", ""),
            "machine" in row.detail,
        )
        for row in rows(connection, events)
    ]
    for kind, table in (("clicked", clicks), ("opened", opens)):
        found += [
            Told(kind, row.broadcast_id, row.subscriber_id, row.at, getattr(row, "link", ""), bool(row.machine))
            for row in rows(connection, table)
        ]
    return [one for one in found if number in (None, one.broadcast_id)]


def rows(connection: Connection, table: Any) -> list[Any]:
    return list(connection.execute(select(table)).all())


def spells_by_hand(connection: Connection) -> dict[int, list[tuple[datetime, datetime | None, str]]]:
    """Reader -> (from, until, how it ended) of each spell as a member, in order."""
    log = sorted(rows(connection, consents), key=lambda line: (line.at, line.id))
    people = {row.id: row for row in rows(connection, subscribers)}
    found: dict[int, list[tuple[datetime, datetime | None, str]]] = {}
    for who in {*people, *(line.subscriber_id for line in log)}:
        mine = [line for line in log if line.subscriber_id == who]
        told = [line for line in mine if line.action in ("confirmed", "added", "imported", *GOING)]
        row, spells = people.get(who), list[tuple[datetime, datetime | None, str]]()
        asked = row is not None and any(line.action == "asked" and line.at <= row.created_at for line in mine)
        silent = row is not None and ((told[0].action in GOING and not asked) if told else row.state == "active")
        since = row.created_at if row is not None and silent else None
        for line in told:
            if line.action in ("confirmed", "added", "imported") and since is None:
                since = line.at
            elif line.action in GOING and since is not None:
                spells.append((since, line.at, line.action))
                since = None
        if since is not None:
            spells.append((since, None, ""))
        if spells:
            found[who] = spells
    return found


GOING = ("left", "bounced", "complained")


def funnel_by_hand(connection: Connection, number: int) -> Mapping[str, Any]:
    """What became of one broadcast, with loops over all rows."""
    mine = [row for row in rows(connection, deliveries) if row.broadcast_id == number]
    states = Counter(row.state for row in mine)
    told = [row for row in told_of(connection, number) if row.subscriber_id is not None]
    own = [row for row in told if not row.machine]
    return {
        "planned": len(mine),
        "skipped": dict(Counter(row.reason for row in mine if row.state == "skipped")),
        "rejected": dict(Counter(row.reason for row in mine if row.state == "rejected")),
        "waiting": states["pending"],
        "unknown": states["unknown"],
        "accepted": states["accepted"] + states["delivered"] + states["bounced"] + states["complained"],
        "delivered": states["delivered"] + states["complained"],
        "bounced": states["bounced"],
        "complained": states["complained"],
        "dropped": 1,
        "clicked": len({row.subscriber_id for row in own if row.kind == "clicked"}),
        "clicks": sum(row.kind == "clicked" for row in own),
        "opened": len({row.subscriber_id for row in own if row.kind == "opened"}),
        "machine_opened": len(
            {row.subscriber_id for row in told if row.kind == "opened"}
            - {row.subscriber_id for row in own if row.kind == "opened"}
        ),
        "unsubscribed": len(_left_by_hand(connection, number)),
    }


def _left_by_hand(connection: Connection, number: int) -> set[int]:
    begun = {row.id: row.started_at for row in rows(connection, broadcasts)}
    got = {
        (row.broadcast_id, row.subscriber_id)
        for row in rows(connection, deliveries)
        if row.state in ("accepted", "delivered", "complained")
    }
    left = set()
    for line in rows(connection, consents):
        had = [other for other in begun if begun[other] <= line.at and (other, line.subscriber_id) in got]
        if line.action == "left" and had and max(had) == number:
            left.add(line.subscriber_id)
    return left
