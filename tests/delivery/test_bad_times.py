"""A database that goes away, a disk that fills up, a clock that jumps: nothing is lost, nobody is mailed twice."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError
from test_broadcaster import FakeClock, ScriptedProvider, plan, states
from test_turns import QUICK, boss, job, locked

from newsletter.delivery import turns
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.errors import NewsletterError
from newsletter.store.database import Store, open_store

ONE = QUICK.model_copy(update={"concurrency": 1})


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_database_that_drops_all_connections_leaves_no_batch_in_doubt(
    postgres_url: str, tmp_path: Path, concurrency: int
) -> None:
    store = open_store(postgres_url, tmp_path)
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    provider, broadcast = ScriptedProvider(), plan(store, 500)
    provider.post = locked(provider)  # type: ignore[method-assign]

    def cut() -> None:
        if provider.calls in (7, 20):
            with admin.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )

    provider.before_call = cut
    settings = QUICK.model_copy(update={"concurrency": concurrency})
    errors = 0
    while True:
        try:
            boss(store, provider, settings).run(broadcast, job(provider))
            break
        except NewsletterError:
            errors += 1
            assert "unknown" not in states(store)
    assert errors == 2
    assert (len(provider.inboxes), provider.inboxes.total()) == (480, 480)
    assert states(store) == {"accepted": 480, "skipped": 20}
    admin.dispose()
    store.close()


def test_a_disk_that_fills_up_stops_the_sending_and_what_was_taken_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_PATIENCE", 0.2)
    store, full = open_store("", tmp_path), list[bool]()
    provider, broadcast = ScriptedProvider(honours_keys=False), plan(store, 500)

    def fail(*call: Any) -> None:
        if full and str(call[2]).startswith("UPDATE"):
            raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database or disk is full"))

    event.listen(store.engine, "before_cursor_execute", fail)
    provider.before_call = lambda: full.append(True) if provider.calls == 9 else None
    with pytest.raises(NewsletterError, match="disk is full"):
        boss(store, provider, ONE).run(broadcast, job(provider))
    full.clear()
    assert states(store) == {"accepted": 80, "pending": 400, "skipped": 20}
    settle_as_if_dead(store)
    with pytest.raises(NewsletterError, match="10 unknown"):
        boss(store, provider, ONE).run(broadcast, job(provider))
    assert (len(provider.inboxes), provider.inboxes.total()) == (480, 480)
    store.close()


def settle_as_if_dead(store: Store) -> None:
    """The process that had the full disk is gone."""
    with store.transaction() as connection:
        connection.execute(text("UPDATE batches SET lease_until = '2000-01-01' WHERE state = 'posting'"))


@pytest.mark.parametrize("hours", [(-5, 5), (-1, 30), (0.2, -0.2), (48, -100)])
def test_a_clock_that_jumps_while_it_is_sent_changes_nothing(store: Store, hours: tuple[float, float]) -> None:
    provider, broadcast, clock, jumps = ScriptedProvider(), plan(store), FakeClock(), cycle(hours)

    def jump() -> None:
        clock.at += timedelta(hours=next(jumps))

    provider.before_call = jump
    report = Broadcaster(store, provider, ONE.model_copy(update={"requests_per_second": 20}), clock).run(
        broadcast, job(provider)
    )
    assert (report.state, report.sent, provider.inboxes.total()) == ("sent", 240, 240)
    assert clock.slept < 60
