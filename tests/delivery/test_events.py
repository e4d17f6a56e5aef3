"""Events: stored once, applied in any order, heeded by ledger and consent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select, update

from newsletter.audience.consent import log_of
from newsletter.delivery.events import MAIL, apply_events, retry_waiting, store_events
from newsletter.delivery.protocol import Event, EventKind
from newsletter.store.database import Store
from newsletter.store.tables import batches, broadcasts, deliveries, editions, events, subscribers

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def sent(store: Store) -> Store:
    """One broadcast: batch 1 accepted as b1 (ada, bo), batch 2 unknown (cy, di), batch 3 being posted (ed)."""
    names = ("ada", "bo", "cy", "di", "ed")
    with store.transaction() as connection:
        for name in names:
            row = {"email": f"{name}@e.org", "email_key": f"{name}@e.org", "state": "active", "fields": {}}
            connection.execute(subscribers.insert(), row | {"created_at": NOW, "changed_at": NOW})
        content = json.dumps({"subject": "Hello {{name}}, news"})
        connection.execute(editions.insert(), {"digest": "d", "slug": "s", "content": content, "created_at": NOW})
        row = {"id": 1, "slug": "s", "digest": "d", "state": "sending", "audience_through": 5, "planned_at": NOW}
        connection.execute(broadcasts.insert(), row)
        states = {1: ("accepted", "b1"), 2: ("unknown", ""), 3: ("posting", "")}
        for number, (state, reference) in states.items():
            row = {"broadcast_id": 1, "number": number, "state": state, "reference": reference}
            connection.execute(batches.insert(), row)
        place = {1: (1, "accepted"), 2: (1, "accepted"), 3: (2, "unknown"), 4: (2, "unknown"), 5: (3, "pending")}
        for number, (batch, state) in place.items():
            email = f"{names[number - 1]}@e.org"
            row = {"broadcast_id": 1, "subscriber_id": number, "batch_number": batch, "state": state}
            connection.execute(deliveries.insert(), row | {"email": email, "email_key": email})
    return store


def event(kind: str, who: str, reference: str = "b1", hours: float = 1, **more: Any) -> Event:
    at = NOW + timedelta(hours=hours)
    key = f"{kind}-{who}-{reference}-{hours}"
    return Event(EventKind(kind), f"{who}@E.org", at, key, reference, **more)


def tell(store: Store, told: Sequence[Event]) -> None:
    with store.transaction() as connection:
        store_events(connection, "test", told, NOW)
    with store.transaction() as connection:
        apply_events(connection, NOW, 3)


def states(store: Store) -> tuple[str, str]:
    with store.reading() as connection:
        one = connection.execute(select(deliveries.c.state).order_by(deliveries.c.subscriber_id)).scalars()
        two = connection.execute(select(subscribers.c.state).order_by(subscribers.c.id)).scalars()
        return " ".join(one), " ".join(two)


def test_any_order_and_any_repeats_give_the_same_end(sent: Store) -> None:
    told = [event("accepted", "ada"), event("delivered", "ada"), event("bounced", "ada"), event("complained", "ada")]
    for order in permutations(told):
        for one in order:
            tell(sent, [one, told[0], one])
        assert states(sent)[0].startswith("complained accepted")
        assert states(sent)[1].startswith("complained active")
        with sent.transaction() as connection:
            assert len(connection.execute(select(events.c.id)).all()) == 4
            connection.execute(events.delete())
            connection.execute(update(deliveries).where(deliveries.c.subscriber_id == 1).values(state="accepted"))
            connection.execute(update(subscribers).values(state="active"))


def test_an_event_of_a_batch_in_doubt_settles_it(sent: Store) -> None:
    tell(sent, [event("delivered", "cy", "new", subject="Hello Cy, news")])
    assert states(sent)[0] == "accepted accepted delivered accepted pending"
    with sent.reading() as connection:
        row = connection.execute(select(batches).where(batches.c.number == 2)).one()
        assert (row.state, row.reference) == ("accepted", "new")


def test_an_event_about_another_mail_settles_nothing(sent: Store) -> None:
    tell(sent, [event("delivered", "cy", "new", subject="Confirm your subscription")])
    assert states(sent)[0] == "accepted accepted unknown unknown pending"


def tell_by_mail(store: Store, one: Event) -> None:
    with store.transaction() as connection:
        store_events(connection, MAIL, [one], NOW)
        apply_events(connection, NOW, 3)


def test_a_mail_about_a_mail_is_matched_by_the_key_of_its_call(sent: Store) -> None:
    with sent.transaction() as connection:
        connection.execute(update(batches).where(batches.c.number == 2).values(idempotency_key="nl-2"))
    tell_by_mail(sent, event("bounced", "cy", "nl-2"))
    assert states(sent) == ("accepted accepted bounced accepted pending", "active active bounced active active")
    tell_by_mail(sent, event("complained", "cy", "nl-2"))
    assert states(sent)[0].split()[2] == "complained"


def test_a_mail_about_a_mail_without_a_key_is_matched_by_address_and_subject(sent: Store) -> None:
    tell_by_mail(sent, event("bounced", "ada", "", subject="Please confirm"))
    assert states(sent)[0].startswith("accepted")  # it was another mail
    assert states(sent)[1].startswith("bounced")  # the address is gone all the same
    tell_by_mail(sent, event("bounced", "bo", "", subject="Hello Bo, news"))
    assert states(sent)[0].startswith("accepted bounced")
    tell_by_mail(sent, event("accepted", "di", "", subject="Hello Di, news"))
    assert states(sent)[0] == "accepted bounced accepted accepted pending"  # a late mail was taken: no doubt any more


def test_a_mail_from_before_the_broadcast_is_about_another_one(sent: Store) -> None:
    tell_by_mail(sent, event("bounced", "bo", "", hours=-1, subject="Hello Bo, news"))
    assert states(sent)[0].startswith("accepted accepted")


def test_an_event_before_its_batch_is_settled_waits_for_it(sent: Store) -> None:
    tell(sent, [event("bounced", "ed", "b3")])
    assert states(sent) == ("accepted accepted unknown unknown pending", "active active active active bounced")
    with sent.transaction() as connection:
        connection.execute(update(batches).where(batches.c.number == 3).values(state="accepted", reference="b3"))
        connection.execute(update(deliveries).where(deliveries.c.subscriber_id == 5).values(state="accepted"))
        assert retry_waiting(connection) == 1
        apply_events(connection, NOW, 3)
    assert states(sent)[0].endswith("bounced")


def test_soft_bounces_count_until_one_mail_arrives(sent: Store) -> None:
    tell(sent, [event("bounced", "bo", f"b{n}", n, soft=True) for n in (1, 2)])
    tell(sent, [event("delivered", "bo", "b2x", 2.5), event("bounced", "bo", "b3", 3, soft=True)])
    assert states(sent)[1].split()[1] == "active"
    tell(sent, [event("bounced", "bo", f"b{n}", n, soft=True) for n in (4, 5)])
    assert states(sent)[1].split()[1] == "bounced"


def test_an_event_from_before_the_readers_last_word_changes_nothing(sent: Store) -> None:
    with sent.transaction() as connection:
        connection.execute(update(subscribers).values(consent_at=NOW + timedelta(hours=2)))
    tell(sent, [event("unsubscribed", "ada", "", 1), event("unsubscribed", "bo", "", 3)])
    assert states(sent)[1].startswith("active unsubscribed")
    with sent.reading() as connection:
        assert [line["action"] for line in log_of(connection, 2)] == ["left"]


def test_an_event_about_nobody_is_kept_and_ignored(sent: Store) -> None:
    before = states(sent)
    tell(sent, [event("bounced", "stranger", "zz")])
    assert states(sent) == before
    with sent.reading() as connection:
        assert connection.execute(select(events.c.state)).scalar() == "ignored"
