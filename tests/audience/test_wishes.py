"""Wishes: stored, taken in hand by one process, answered once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from newsletter.audience.wishes import Kind, claim, due_wishes, fulfil, store_wish, try_later
from newsletter.store.database import Store

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HELD = NOW + timedelta(minutes=10)


def test_of_processes_that_saw_the_same_wish_one_takes_it(store: Store) -> None:
    with store.transaction() as connection:
        store_wish(connection, Kind.JOIN, "dee@new.example", NOW, language="fr")
    with store.reading() as connection:
        (wish,) = due_wishes(connection, NOW, 9)
    together = Barrier(4)

    def take() -> bool:
        together.wait()
        with store.transaction() as connection:
            return claim(connection, wish, HELD)

    with ThreadPoolExecutor(4) as threads:
        taken = [each.result() for each in [threads.submit(take) for _ in range(4)]]
    assert sorted(taken) == [False, False, False, True]
    with store.reading() as connection:
        assert due_wishes(connection, NOW, 9) == []
        (again,) = due_wishes(connection, HELD, 9)
    assert (again.tries, again.detail) == (1, {"language": "fr"})


def test_a_wish_waits_until_it_is_due_and_is_gone_when_fulfilled(store: Store) -> None:
    with store.transaction() as connection:
        store_wish(connection, Kind.LEAVE, "ada@reader.example", NOW)
        (wish,) = due_wishes(connection, NOW, 9)
        try_later(connection, wish, HELD)
        assert due_wishes(connection, NOW, 9) == []
        fulfil(connection, wish)
        assert not claim(connection, wish, HELD)
        assert due_wishes(connection, HELD, 9) == []
