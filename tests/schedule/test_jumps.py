"""A clock that is set forward opens no slot before its time, and one that is right opens it all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.schedule.jumps import HOLD, Jumps, uptime

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE, NOTHING = timedelta(minutes=1), timedelta()


@dataclass
class Machine:
    """A machine whose clock can be set."""

    jumps: Jumps = field(init=False)
    seconds: float = 1000.0
    wrong: timedelta = NOTHING

    def __post_init__(self) -> None:
        self.jumps = Jumps(lambda: self.seconds)

    def look(self, after: float = 60.0, set_by: timedelta = NOTHING) -> timedelta:
        self.seconds += after
        self.wrong += set_by
        return self.jumps.look(NOON + timedelta(seconds=self.seconds) + self.wrong)


def test_a_clock_that_goes_as_the_machine_counts_is_believed() -> None:
    here = Machine()
    assert {here.look(60 * minutes) for minutes in (1, 1, 5, 600, 1)} == {NOTHING}
    assert here.look(60, timedelta(seconds=30)) == NOTHING, "a time server moves it a little"


def test_set_forward_it_is_not_believed_for_ten_minutes_and_then_it_is() -> None:
    here = Machine()
    here.look()
    assert here.look(60, timedelta(hours=2)) == HOLD
    assert here.jumps.ahead == timedelta(hours=2)
    assert [here.look() for _ in range(9)] == [HOLD - n * MINUTE for n in range(1, 10)]
    assert [here.look(), here.look()] == [NOTHING, NOTHING]
    assert here.look(60, timedelta(hours=2)) == HOLD, "the next jump is one again"


def test_set_right_again_it_is_believed_at_once() -> None:
    here = Machine()
    here.look()
    here.look(60, timedelta(hours=2))
    assert here.look(60, -timedelta(hours=2)) == NOTHING
    assert here.jumps.ahead == NOTHING


def test_set_back_it_does_no_harm_and_set_right_it_is_a_jump() -> None:
    here = Machine()
    here.look()
    assert here.look(60, -timedelta(hours=1)) == NOTHING
    assert here.look(60, timedelta(hours=1)) == HOLD


def test_set_again_while_it_is_not_believed_the_wait_begins_anew() -> None:
    here = Machine()
    here.look()
    here.look(60, timedelta(hours=1))
    here.look(300)
    assert here.look(60, timedelta(hours=3)) == HOLD


@given(st.lists(st.tuples(st.integers(1, 900), st.integers(-7200, 7200)), max_size=30))
def test_nothing_is_opened_within_the_wait_after_a_jump_forward(steps: list[tuple[int, int]]) -> None:
    here, last = Machine(), -HOLD.total_seconds()
    here.look()
    trusted = NOTHING
    for seconds, moved in steps:
        wait = here.look(seconds, timedelta(seconds=moved))
        if moved > 60 and here.wrong - trusted > MINUTE:
            last = here.seconds
        if wait == NOTHING:
            assert here.wrong - trusted <= MINUTE or here.seconds - last >= HOLD.total_seconds()
            trusted = here.wrong


@pytest.mark.parametrize("_", range(2))
def test_the_count_of_this_machine_goes_on(_: int) -> None:
    before = uptime()
    assert uptime() >= before > 0
