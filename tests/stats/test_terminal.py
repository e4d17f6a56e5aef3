"""The figures in a terminal: 80 columns, letters that it can show, nothing that is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger import mail

from newsletter.stats.report import IssueStats, Overview, issue_stats, overview
from newsletter.stats.terminal import Ink, ink_for, issue_lines, overview_lines
from newsletter.store.database import Store, open_store

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CLICK = ("clicked", 5, "https://a.example/a-long-way/to-a-page-that-nobody-can-remember/and-more-of-it", False, False)
DELIVERED = ("delivered", 1, "", False, False)


def figures(store: Store, *events: tuple[str, int, str, bool, bool]) -> tuple[Overview, IssueStats]:
    with store.transaction() as connection:
        fates = [("delivered", "", 1, list(events)), ("skipped", "a reason that is longer than its column", 1, [])]
        mail(connection, [[*fates, ("rejected", "", 1, [])]])
        return overview(connection, "N", ZONE, NOW, 0), issue_stats(connection, "N", 1, NOW, "https://u/")


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store("", tmp_path_factory.mktemp("state"))


@pytest.mark.parametrize("told", [(), (DELIVERED,), (DELIVERED, CLICK)])
@pytest.mark.parametrize("plain", [True, False])
def test_no_line_is_longer_than_80_columns(
    store: Store, told: tuple[tuple[str, int, str, bool, bool]], plain: bool
) -> None:
    whole, one = figures(store, *told)
    for line in [*overview_lines(whole, ZONE, Ink(plain)), *issue_lines(one, ZONE, Ink(plain))]:
        assert len(line) <= 80, line
        assert line.isascii() or not plain


def test_what_nobody_told_is_not_measured_and_never_zero(store: Store) -> None:
    whole, one = figures(store)
    text = "\n".join(issue_lines(one, ZONE, Ink()))
    for name in ("delivered", "clicked", "bounced", "complained"):
        assert f"\n{name} " in text
        assert "not measured" in next(line for line in text.splitlines() if line.startswith(name))
    assert "Opens        not measured" in text
    assert "- is not measured" in "\n".join(overview_lines(whole, ZONE, Ink()))


def test_what_was_told_is_counted(store: Store) -> None:
    _, one = figures(store, DELIVERED, CLICK)
    text = "\n".join(issue_lines(one, ZONE, Ink()))
    assert "clicked                          1" in text
    assert "      1       1  ██████████ https://a.example/a-long-way/" in text


def test_a_publication_with_nothing_is_told_so(store: Store) -> None:
    with store.reading() as connection:
        stats = overview(connection, "N", ZONE, NOW, 0)
    assert overview_lines(stats, ZONE, Ink()) == ["N", "", "Subscribers  none yet", "", "Nothing was sent yet."]


@pytest.mark.parametrize(
    ("encoding", "plain"), [("utf-8", False), ("ascii", True), ("latin-1", True), (None, True), ("no-such", True)]
)
def test_a_stream_that_cannot_show_blocks_gets_ascii(encoding: str | None, plain: bool) -> None:
    assert ink_for(encoding).plain is plain


@given(share=st.floats(-1, 2), width=st.integers(1, 60), plain=st.booleans())
def test_a_bar_stays_in_its_place_and_shows_whatever_there_is(share: float, width: int, plain: bool) -> None:
    bar = Ink(plain).bar(share, width)
    assert len(bar) <= width
    assert bool(bar) == (share > 0)


@given(values=st.lists(st.integers(0, 10**9), max_size=30), plain=st.booleans())
def test_a_sparkline_rises_with_its_values(values: list[int], plain: bool) -> None:
    signs = ".:-=+*#@" if plain else "▁▂▃▄▅▆▇█"
    heights = [signs.index(sign) for sign in Ink(plain).spark(values)]
    assert len(heights) == len(values)
    for height, value in zip(heights, values, strict=True):
        assert all(height <= other for other, bigger in zip(heights, values, strict=True) if bigger >= value)
