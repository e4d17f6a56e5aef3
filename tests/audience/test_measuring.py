"""What is kept of clicks and opens, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter.audience.listing import count, everything
from newsletter.audience.measuring import Look, forget_measures, machine, store_looks
from newsletter.store.database import Store
from newsletter.store.tables import batches, broadcasts, clicks, deliveries, editions, opens, subscribers

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def sent(store: Store) -> Store:
    """One broadcast to ada and bo, taken at NOW; bo objects to being measured."""
    with store.transaction() as connection:
        for name in ("ada", "bo"):
            row = {"email": f"{name}@e.org", "email_key": f"{name}@e.org", "state": "active", "fields": {}}
            row |= {"measured": name == "ada", "created_at": NOW, "changed_at": NOW}
            connection.execute(subscribers.insert(), row)
        connection.execute(editions.insert(), {"digest": "d", "slug": "s", "content": "{}", "created_at": NOW})
        row = {"id": 1, "slug": "s", "digest": "d", "state": "sent", "audience_through": 2, "planned_at": NOW}
        connection.execute(broadcasts.insert(), row)
        connection.execute(batches.insert(), {"broadcast_id": 1, "number": 1, "state": "accepted", "settled_at": NOW})
        for number in (1, 2):
            row = {"broadcast_id": 1, "subscriber_id": number, "batch_number": 1, "state": "accepted"}
            connection.execute(deliveries.insert(), row | {"email": f"{number}", "email_key": f"{number}"})
    return store


def look(seconds: float, link: str = "https://e.org", reader: int = 1) -> Look:
    return Look(1, reader, NOW + timedelta(seconds=seconds), link)


def test_what_is_kept_is_of_the_willing_and_tells_people_from_machines(sent: Store) -> None:
    quick = [look(900 + n, f"https://e.org/{n}") for n in range(5)]
    with sent.transaction() as connection:
        assert (
            store_looks(connection, [look(3), look(300), look(300, ""), look(300, reader=2), look(300, reader=9)]) == 3
        )
        assert store_looks(connection, quick) == 5
        found = connection.execute(select(clicks.c.machine).order_by(clicks.c.id)).scalars().all()
        assert found == ["early", "", *["burst"] * 5]
        assert connection.execute(select(opens.c.subscriber_id, opens.c.machine)).all() == [(1, "")]
        later = NOW + timedelta(hours=1)
        assert [count(connection, f"{word}:1d", later) for word in ("clicked", "opened")] == [1, 1]
        assert count(connection, "not clicked:1d", later) == 1
        stored = everything(connection, "ada@e.org")
        assert stored is not None
        assert (len(stored["clicks"]), len(stored["opens"])) == (7, 1)
        forget_measures(connection, 1)
        assert connection.execute(select(clicks.c.subscriber_id).distinct()).scalars().all() == [None]
        assert count(connection, "clicked:1d", later) == 0


@pytest.mark.parametrize(
    ("agent", "picture", "why"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", False, ""),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", True, ""),
        ("", False, "agent"),
        ("curl/8.0", False, "agent"),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", False, "agent"),
        ("Mozilla/5.0", True, "apple"),
        ("Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)", True, "google"),
        ("Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)", False, ""),
    ],
)
def test_a_program_is_known_by_its_name(agent: str, picture: bool, why: str) -> None:
    assert machine("GET", {"user-agent": agent}, picture=picture) == why
