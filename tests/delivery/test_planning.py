"""Who a broadcast is for, frozen and cut into batches."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import StaticPool, create_engine, select

from newsletter.audience.subscribers import State, leave
from newsletter.audience.suppression import suppress
from newsletter.delivery import planning
from newsletter.delivery.ledger import is_planned, key_of, readers_of_batches
from newsletter.delivery.planning import create_broadcast, plan_page
from newsletter.errors import SafetyError
from newsletter.store.database import Store
from newsletter.store.tables import (
    batches,
    broadcasts,
    deliveries,
    editions,
    metadata,
    subscriber_tags,
    subscribers,
)

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@given(st.lists(st.sampled_from(["active", "active", "bounced"]), max_size=40), st.integers(1, 7), st.integers(1, 9))
@settings(max_examples=40)
def test_all_batches_but_the_last_are_full_wherever_a_page_ends(states: list[str], size: int, page: int) -> None:
    store = Store(create_engine("sqlite://", poolclass=StaticPool))
    metadata.create_all(store.engine)
    for number, state in enumerate(states, start=1):
        add(store, number, state=state)
    broadcast = create(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "PAGE", page)
        plan(store, broadcast, size)
    mailed = iter(range(len(states)))
    expected = [1 + next(mailed) // size if state == "active" else 0 for state in states]
    assert [row[1] for row in planned(store, broadcast)] == expected
    with store.reading() as connection:
        numbers = list(connection.execute(select(batches.c.number).order_by(batches.c.number)).scalars())
    assert numbers == sorted(set(expected) - {0})
    store.close()


def add(store: Store, *numbers: int, state: str = "active", tag: str = "") -> None:
    with store.transaction() as connection:
        for number in numbers:
            address = f"r{number}@x.example"
            row = {"id": number, "email": address, "email_key": address, "state": state}
            connection.execute(subscribers.insert(), row | {"created_at": NOW, "changed_at": NOW})
            if tag:
                connection.execute(subscriber_tags.insert(), {"subscriber_id": number, "tag": tag})


def create(store: Store, slug: str = "one", segment: str = "") -> int:
    with store.transaction() as connection:
        connection.execute(editions.insert(), {"digest": slug, "slug": slug, "content": "{}", "created_at": NOW})
        return create_broadcast(connection, slug=slug, digest=slug, segment=segment, provider="p", now=NOW, slot=None)


def plan(store: Store, broadcast: int, size: int = 2) -> int:
    """Plan all pages, each in a transaction of its own; how many there were."""
    pages, more = 0, True
    while more:
        with store.transaction() as connection:
            more = plan_page(connection, broadcast, size)
            assert is_planned(connection, broadcast) is not more
        pages += 1
    return pages


def planned(store: Store, broadcast: int) -> list[tuple[int, int, str, str]]:
    columns = deliveries.c.subscriber_id, deliveries.c.batch_number, deliveries.c.state, deliveries.c.reason
    query = select(*columns).where(deliveries.c.broadcast_id == broadcast).order_by(deliveries.c.subscriber_id)
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]  # type: ignore[misc]


def test_everybody_of_the_audience_is_accounted_for_also_who_is_not_mailed(store: Store) -> None:
    add(store, 1, 4, 5)
    add(store, 2, state="unsubscribed")
    add(store, 3)
    with store.transaction() as connection:
        suppress(connection, "r4@x.example", "complaint", "test", NOW)
    broadcast = create(store)
    assert plan(store, broadcast) == 1
    assert planned(store, broadcast) == [
        (1, 1, "pending", ""),
        (2, 0, "skipped", "unsubscribed"),
        (3, 1, "pending", ""),
        (4, 0, "skipped", "complaint"),
        (5, 2, "pending", ""),
    ]


def test_who_joins_after_the_broadcast_was_written_down_is_not_part_of_it(store: Store) -> None:
    add(store, 1)
    broadcast = create(store)
    add(store, 2)
    plan(store, broadcast)
    assert [row[0] for row in planned(store, broadcast)] == [1]


def test_who_leaves_before_their_page_is_planned_is_skipped(store: Store) -> None:
    add(store, 1, 2)
    broadcast = create(store)
    with store.transaction() as connection:
        leave(connection, 2, State.COMPLAINED, NOW)
    plan(store, broadcast)
    assert [row[1:] for row in planned(store, broadcast)] == [(1, "pending", ""), (0, "skipped", "complained")]


@pytest.mark.parametrize("count", [3, 4, 5])
def test_ids_with_gaps_and_pages_just_full_lose_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(planning, "PAGE", 2)
    numbers = [10 * number for number in range(1, count + 1)]
    add(store, *numbers)
    broadcast = create(store)
    plan(store, broadcast, size=3)
    assert [row[0] for row in planned(store, broadcast)] == numbers
    assert Counter(row[1] for row in planned(store, broadcast)) == Counter(1 + n // 3 for n in range(count))


def test_planning_that_was_interrupted_goes_on_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PAGE", 2)
    add(store, *range(1, 6))
    broadcast = create(store)
    with store.transaction() as connection:
        assert plan_page(connection, broadcast, 2)
    with store.transaction() as connection:
        plan_page(connection, broadcast, 2)
        connection.rollback()  # what a crash before the commit leaves
    plan(store, broadcast)
    assert [row[:2] for row in planned(store, broadcast)] == [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)]


def test_a_segment_is_those_who_have_its_tag(store: Store) -> None:
    add(store, 1, 3, tag="teacher")
    add(store, 2)
    broadcast = create(store, segment="teacher")
    plan(store, broadcast)
    assert [row[0] for row in planned(store, broadcast)] == [1, 3]


def test_an_audience_of_nobody_has_no_batches(store: Store) -> None:
    broadcast = create(store)
    assert plan(store, broadcast) == 1
    with store.reading() as connection:
        assert connection.execute(select(batches)).all() == []


def test_an_issue_has_at_most_one_broadcast(store: Store) -> None:
    create(store)
    with store.transaction() as connection, pytest.raises(SafetyError, match='"one" has its broadcast already'):
        create_broadcast(connection, slug="one", digest="one", segment="", provider="p", now=NOW, slot=None)
    with store.reading() as connection:
        assert len(connection.execute(select(broadcasts)).all()) == 1


def test_tags_and_own_fields_are_kept_as_they_were_where_the_edition_looks_at_them(store: Store) -> None:
    add(store, 1, tag="vip")
    add(store, 2)
    with store.transaction() as connection:
        connection.execute(subscriber_tags.insert(), {"subscriber_id": 1, "tag": "art, naïve"})
        connection.execute(subscribers.update().where(subscribers.c.id == 1).values(fields={"city": "Rome"}))
        connection.execute(editions.insert(), {"digest": "d", "slug": "a", "content": "{}", "created_at": NOW})
        values = {"slug": "a", "digest": "d", "segment": "", "provider": "p", "now": NOW, "slot": None}
        broadcast = create_broadcast(connection, **values, keeps_fields=True)  # type: ignore[arg-type]
    plan(store, broadcast)
    other = create(store)
    plan(store, other)
    with store.transaction() as connection:
        connection.execute(subscriber_tags.delete())
        connection.execute(subscribers.update().values(fields={}))
        kept, _ = readers_of_batches(connection, broadcast, [1])[1]
        without, _ = readers_of_batches(connection, other, [1])[1]
    assert [(reader.tags, dict(reader.fields)) for reader in kept] == [
        (("art, naïve", "vip"), {"city": "Rome"}),
        ((), {}),
    ]
    assert [(reader.tags, dict(reader.fields)) for reader in without] == [((), {}), ((), {})]
    assert key_of("d", 1, kept[1:]) == key_of("d", 1, without[1:]) != key_of("d", 1, kept)
