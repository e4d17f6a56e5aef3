"""The forecast says what the passes then do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from calendars import World
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.schedule.explain import explain_day
from newsletter.schedule.forecast import forecast, slots_of_issues
from newsletter.schedule.queue import hold

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday, its slot over
DAYS = st.sampled_from(["", "2026-11-27", "2026-12-01", "2026-12-04", "2026-12-02", "2026-11-24"])


@settings(max_examples=25)
@given(st.lists(st.tuples(DAYS, DAYS, st.booleans()), max_size=5))
def test_what_is_foretold_is_what_happens(issues: list[tuple[str, str, bool]]) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder), NOW)
        world.look(NOW)
        for number, (pinned_to, not_before, held) in enumerate(issues):
            world.approve(f"issue-{number}", pinned_to=pinned_to, not_before=not_before)
            if held:
                with world.store.transaction() as connection:
                    hold(connection, f"issue-{number}", held=True)
        with world.store.reading() as connection:
            told = list(islice(forecast(connection, world.schedule, NOW), 6))
        for slot, _ in told:
            world.look(slot.starts_at)
        happened = world.recorded()[-6:]
        world.close()
    assert [(slot.starts_at, issue.slug if issue else "") for slot, issue in told] == [
        (at, slug) for at, _, slug in happened
    ]


def test_a_day_is_explained_with_what_goes_before_and_what_after(tmp_path: Path) -> None:
    world = World(tmp_path, NOW)
    world.approve("one", "two", "three")
    world.approve("four", not_before="2026-12-04")
    with world.store.reading() as connection:
        assert list(slots_of_issues(connection, world.schedule, NOW)) == ["one", "two", "three", "four"]
        sentences = explain_day(connection, world.schedule, date(2026, 12, 1), NOW)
    world.close()
    assert sentences == [
        '"two" goes out in the slot of Tuesday 2026-12-01 09:00 Europe/Berlin, if the queue stays as it is.',
        '"one" goes out before, in the slot of Friday 2026-11-27 09:00 Europe/Berlin.',
        '"three" does not go out then: others are before it in the queue.',
        '"four" does not go out then: its date is Friday 2026-12-04.',
    ]


def test_a_slot_of_long_ago_is_over_and_one_of_an_hour_ago_may_still_be_opened(tmp_path: Path) -> None:
    world = World(tmp_path, NOW)
    with world.store.reading() as connection:
        said = [
            explain_day(connection, world.schedule, day, NOW, timedelta(hours=6))
            for day in (date(2026, 11, 20), date(2026, 11, 24))
        ]
    world.close()
    assert "is over: no scheduler was there" in said[0][0]
    assert "no scheduler has opened it yet" in said[1][0]
