"""The calendar: what it shows for each slot, within 80 columns, and as a file that calendar programs read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from calendars import World
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from newsletter.config import ScheduleConfig
from newsletter.schedule.calendar import Entry, entries_of, ics, month_view
from newsletter.schedule.passes import Rules
from newsletter.schedule.slots import slot_at

NINE = datetime(2026, 11, 24, 8, tzinfo=UTC)  # Tuesday, 09:00 in Berlin
RULES = Rules(timedelta(hours=6))
DAYS = (date(2026, 11, 23), date(2026, 12, 14))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    here = World(tmp_path / "state", NINE - timedelta(days=1))
    yield here
    here.close()


def entries(world: World, now: datetime, *objections: str) -> list[tuple[str, str, str]]:
    with world.store.reading() as connection:
        found = entries_of(connection, world.schedule, DAYS, now, RULES, objections=objections)
    return [(entry.slot.wall_time[5:10], entry.state, entry.slug) for entry in found]


def test_what_was_and_what_is_planned_stand_side_by_side(world: World) -> None:
    world.approve("a", "b", "c", "refused")
    world.approve("pinned", pinned_to="2026-12-04")
    world.look(NINE)
    world.look(NINE + timedelta(days=3, hours=7))  # missed
    assert entries(world, NINE + timedelta(days=4), "refused") == [
        ("11-24", "taken", "a"),
        ("11-27", "missed", ""),
        ("12-01", "planned", "b"),
        ("12-04", "planned", "pinned"),
        ("12-08", "planned", "c"),
        ("12-11", "free", ""),
    ]


def test_a_slot_that_nobody_opened_is_over_and_one_that_is_only_late_still_has_its_issue(world: World) -> None:
    world.approve("a")
    assert entries(world, NINE + timedelta(hours=1))[0] == ("11-24", "planned", "a")
    assert entries(world, NINE + timedelta(hours=7))[:2] == [("11-24", "over", ""), ("11-27", "planned", "a")]


SLUGS = st.text(st.sampled_from("abc-é日本🎈"), min_size=1, max_size=90)
WALLS = st.datetimes(datetime(2026, 11, 20), datetime(2026, 12, 20))


@given(st.lists(st.tuples(WALLS, SLUGS), max_size=12), st.integers(1, 8))
def test_the_month_view_is_never_wider_than_80_columns_and_shows_each_slot(
    planned: list[tuple[datetime, str]], weeks: int
) -> None:
    schedule = ScheduleConfig.model_validate({"timezone": "Europe/Berlin", "skip": ["2026-11-25"]})
    found = sorted(
        (
            Entry(slot_at(wall.replace(second=0, microsecond=0), "Europe/Berlin"), "planned", slug)
            for wall, slug in planned
        ),
        key=lambda entry: entry.slot,
    )
    lines = month_view(schedule, (date(2026, 11, 18), date(2026, 11, 18) + timedelta(weeks=weeks)), found)
    assert max(wcswidth(line) for line in lines) <= 80
    assert len(lines[lines.index("") + 1 :]) == len(found)


def test_a_week_that_ends_a_month_is_shown_once_under_the_month_it_ends_in(world: World) -> None:
    lines = month_view(world.schedule, (date(2026, 11, 24), date(2026, 12, 3)), [])
    assert lines == [
        "Mon        Tue        Wed        Thu        Fri        Sat        Sun",
        "November 2026",
        "           24         25         26         27         28         29",
        "December 2026",
        "30          1          2",
        "",
    ]


def parsed(data: bytes) -> list[dict[str, str]]:
    """The events of an iCalendar object, read by the rules of RFC 5545: unfold, split, unescape."""
    assert data.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    for line in data.split(b"\r\n"):
        line.decode()  # a fold never cuts a character
    lines = data.replace(b"\r\n ", b"").decode().split("\r\n")[:-1]
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    events: list[dict[str, str]] = []
    for line in lines[1:-1]:
        name, value = line.split(":", 1)
        if line == "BEGIN:VEVENT":
            events.append({})
        elif line != "END:VEVENT" and events:
            assert name not in events[-1]
            events[-1][name] = re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), value)
    return events


@given(
    st.lists(st.tuples(WALLS, SLUGS), max_size=5), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=99)
)
def test_the_calendar_file_is_read_back_as_it_was_meant(planned: list[tuple[datetime, str]], name: str) -> None:
    walls = [wall.replace(second=0, microsecond=0) for wall, _ in planned]
    given_ = [
        Entry(slot_at(wall, "Europe/Berlin"), "planned", slug) for wall, (_, slug) in zip(walls, planned, strict=True)
    ]
    events = parsed(ics(name, given_, NINE))
    assert [event["SUMMARY"] for event in events] == [f"{name}: {entry.slug}" for entry in given_]
    assert [event["DTSTART"] for event in events] == [f"{entry.slot.starts_at:%Y%m%dT%H%M%SZ}" for entry in given_]
    assert {event["DTSTAMP"] for event in events} <= {"20261124T080000Z"}


def test_an_event_keeps_its_name_when_another_issue_takes_the_slot() -> None:
    slot = slot_at(datetime(2026, 11, 27, 9), "Europe/Berlin")
    one, two = (
        parsed(ics("Plain AI", [entry], NINE))[0] for entry in (Entry(slot, "free"), Entry(slot, "planned", "a"))
    )
    assert one["UID"] == two["UID"]
    assert (one["STATUS"], two["STATUS"]) == ("TENTATIVE", "CONFIRMED")
