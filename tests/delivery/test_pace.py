"""How fast, and how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import StaticPool, create_engine, select

from newsletter.delivery.pace import DailyLimit, Pace, backoff
from newsletter.delivery.protocol import Quota
from newsletter.store.database import Store
from newsletter.store.tables import metadata, quotas, rates

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class SetClock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def memory() -> Store:
    found = Store(create_engine("sqlite://", poolclass=StaticPool))
    metadata.create_all(found.engine)
    return found


def wait_for_one(pace: Pace, clock: SetClock) -> float:
    """Wait until one call may be made; how long that took."""
    waited = 0.0
    while True:
        granted, delay = pace.take(1)
        if granted:
            return waited
        assert delay > 0
        clock.sleep(max(delay, 1e-6))
        waited += delay


@settings(max_examples=40)
@given(
    st.integers(1, 50) | st.sampled_from([0.5, 0.2]),
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1)), max_size=60),
)
def test_in_no_second_do_all_processes_together_make_more_calls_than_the_limit(
    per_second: float, work: list[tuple[int, float]]
) -> None:
    """`work`: which process calls, and how long that takes: a slow call earns no burst after it."""
    clock, calls, store = SetClock(), list[datetime](), memory()
    processes = [Pace(store, clock, "a", per_second) for _ in range(3)]
    for number, seconds in work:
        wait_for_one(processes[number], clock)
        calls.append(clock.at)
        clock.sleep(seconds)
    window = max(SECOND, SECOND / per_second)
    most = max(1, per_second)
    for number, first in enumerate(calls):
        assert sum(1 for call in calls[number:] if call < first + window) <= most


@pytest.mark.parametrize("per_second", [0.2, 2, 50])
@pytest.mark.parametrize("jump", [-1, -30, -3600, -100_000, 3600, 100_000])
def test_a_clock_that_is_set_does_not_stop_the_calls(per_second: float, jump: float) -> None:
    clock, store = SetClock(), memory()
    paces = [Pace(store, clock, "a", per_second) for _ in range(2)]
    for pace in [*paces, *paces]:
        assert wait_for_one(pace, clock) <= 2 * 64 * max(0.1, 1.05 / per_second)
        clock.sleep(jump)


def test_the_first_call_does_not_wait() -> None:
    assert Pace(memory(), SetClock(), "a", 2).take(5)[0] == 1


def test_each_account_has_its_own_rate() -> None:
    clock, store = SetClock(), memory()
    for account in ("a", "b"):
        assert wait_for_one(Pace(store, clock, account, 0.5), clock) == 0


def test_a_wait_that_the_provider_asks_of_one_process_holds_for_all(store: Store) -> None:
    clock = SetClock()
    one, two = (Pace(store, clock, "a", 10) for _ in range(2))
    wait_for_one(two, clock)
    one.hold(30)
    assert 29 <= wait_for_one(two, clock) + wait_for_one(one, clock) <= 31


def test_calls_that_were_too_fast_make_all_processes_slower_and_that_wears_off(store: Store) -> None:
    clock = SetClock()
    pace = Pace(store, clock, "a", 10)
    pace.slow_down()
    other = Pace(store, clock, "a", 10)
    wait_for_one(other, clock)
    assert wait_for_one(other, clock) == pytest.approx(1.04 / 7, abs=0.01)
    for _ in range(5):
        clock.sleep(31)
        wait_for_one(other, clock)
    assert wait_for_one(other, clock) == pytest.approx(1.04 / 10, abs=0.01)


@pytest.mark.parametrize(
    ("quota", "seconds"),
    [
        (Quota(2, 1, 0.5), 0.52),  # two a second, though ten are configured
        (Quota(600, 30, 60), 2.08),  # what is left of a minute, spread over it
        (Quota(1_000_000, 999_999, 0.9), 0.104),  # never faster than configured
    ],
)
def test_the_headers_of_the_provider_are_kept_to(quota: Quota, seconds: float) -> None:
    clock, store = SetClock(), memory()
    Pace(store, clock, "a", 10).learn(quota)
    pace = Pace(store, clock, "a", 10)
    wait_for_one(pace, clock)
    assert wait_for_one(pace, clock) == pytest.approx(seconds, abs=0.01)


def test_nobody_calls_before_the_reset_when_nothing_is_left() -> None:
    clock, store = SetClock(), memory()
    Pace(store, clock, "a", 10).learn(Quota(600, 0, 42))
    assert wait_for_one(Pace(store, clock, "a", 10), clock) == pytest.approx(42, abs=0.1)


def test_the_account_is_no_secret_but_tells_keys_apart() -> None:
    from newsletter.providers.autosend import AutoSend

    one, two = (AutoSend("https://api.example/v1", key).account for key in ("AS_secret", "AS_other"))
    assert one != two
    assert "secret" not in one


def test_a_day_has_its_limit_and_a_new_account_a_smaller_one(store: Store) -> None:
    limit = DailyLimit("a", 1000, (100, 300))
    for day, most in ((0, 100), (1, 300), (4, 1000), (5, 1000)):
        now = START + timedelta(days=day)
        with store.transaction() as connection:
            assert limit.left(connection, now) == most
            limit.use(connection, now, 60)
            assert limit.left(connection, now) == most - 60
            limit.use(connection, now, -60)
            limit.use(connection, now, most)
            assert limit.left(connection, now) == 0
    with store.reading() as connection:
        assert len(connection.execute(select(quotas)).all()) == 4
        assert connection.execute(select(rates)).all() == []


@given(st.integers(1, 200), st.integers(0, 10_000), st.integers(0, 100_000), st.integers())
def test_the_wait_after_a_failure_doubles_up_to_its_limit_less_some_of_its_half(
    attempt: int, base: int, limit: int, seed: int
) -> None:
    milli = timedelta(milliseconds=1)
    longest = min(base * 2 ** (attempt - 1), limit) / 1000
    assert longest / 2 <= backoff(attempt, base * milli, limit * milli, Random(seed)) <= longest + 1e-9


def test_senders_that_failed_together_do_not_come_back_together() -> None:
    waits = {backoff(3, SECOND, 60 * SECOND, Random(seed)) for seed in range(20)}
    assert len(waits) == 20
    assert max(waits) - min(waits) == pytest.approx(2, abs=0.5)
