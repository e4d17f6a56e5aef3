"""How fast, and how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.pace import Pace, backoff

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


@given(st.integers(1, 50) | st.sampled_from([0.5, 0.2]), st.lists(st.floats(0, 2), max_size=60))
def test_in_no_second_are_there_more_calls_than_the_limit(per_second: float, work: list[float]) -> None:
    """`work` is how long each call takes: a slow one earns no burst after it."""
    clock, calls = SetClock(), list[datetime]()
    pace = Pace(clock, per_second)
    for seconds in work:
        clock.sleep(pace.delay())
        calls.append(clock.at)
        clock.sleep(seconds)
    window = max(SECOND, SECOND / per_second)
    most = max(1, per_second)
    for number, first in enumerate(calls):
        assert sum(1 for call in calls[number:] if call < first + window) <= most


@given(st.floats(0.2, 50), st.lists(st.floats(-100_000, 100_000), min_size=1, max_size=20))
def test_a_clock_that_is_set_never_makes_anyone_wait_longer_than_one_interval(
    per_second: float, jumps: list[float]
) -> None:
    clock = SetClock()
    pace = Pace(clock, per_second)
    for jump in jumps:
        delay = pace.delay()
        assert 0 <= delay <= 1.05 / per_second
        clock.sleep(delay + jump)


def test_the_first_call_does_not_wait() -> None:
    assert Pace(SetClock(), 2).delay() == 0


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
