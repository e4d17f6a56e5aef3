"""The report as a page: complete in itself, its figures in tables, safe whatever a link or a name holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from ledger import mail
from lxml import html

from newsletter.stats import charts
from newsletter.stats.charts import Mark, Series
from newsletter.stats.links import OWN_PAGE, LinkClicks
from newsletter.stats.page import issue_page, overview_page
from newsletter.stats.picture import heat_map
from newsletter.stats.report import issue_stats, overview
from newsletter.stats.tables import broadcasts_csv, issue_csv
from newsletter.stats.thresholds import verdict
from newsletter.store.database import open_store

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
EVIL = 'https://a.example/"><script>alert(1)</script>'
PICTURE = '<p>Read <a href="https://a.example">this</a>, or <a href="https://us.example/unsubscribe/x">leave</a>.</p>'


@pytest.fixture
def pages(tmp_path: Path) -> tuple[str, str]:
    """The page of a publication with two issues, and the page of one of them."""
    store = open_store("", tmp_path)
    events = [("delivered", 0, "", False, False), ("clicked", 2, EVIL, False, False), ("opened", 2, "", True, False)]
    fates = [("delivered", "", 1, events), ("complained", "", 1, events[:1]), ("skipped", "<b>left</b>", 1, [])]
    with store.transaction() as connection:
        mail(connection, [fates, fates])
        whole = overview(connection, "The <Letter>", ZONE, NOW, 0)
        one = issue_stats(connection, "The <Letter>", 2, NOW, "https://us.example/unsubscribe/")
    store.close()
    picture = heat_map(PICTURE, one.links, one.funnel.reached, "https://us.example/unsubscribe/")
    return overview_page(whole, ZONE, lambda slug: f"/numbers/{slug}", "/"), issue_page(one, ZONE, picture, "/numbers")


def test_a_page_needs_nothing_else_and_runs_nothing(pages: tuple[str, str]) -> None:
    for page in pages:
        root = html.document_fromstring(page)
        assert root.xpath("//script | //link | //img | //@onclick") == []
        assert "default-src 'none'" in root.xpath("string(//meta[@http-equiv]/@content)")
        assert "<script>" not in page.replace("&lt;script&gt;", "")
        assert "<b>left" not in page
        assert all(frame.get("sandbox") == "" for frame in root.iter("iframe"))


def test_every_chart_has_a_title_a_description_and_its_numbers_in_a_table(pages: tuple[str, str]) -> None:
    for page in pages:
        root = html.document_fromstring(page)
        drawn = list(root.iter("svg"))
        assert drawn
        for chart in drawn:
            assert chart.get("role") == "img"
            assert chart.find("title").text
            assert chart.find("desc").text
        assert len(root.xpath("//section | //table")) >= len(drawn)
        assert all(row.find("th") is not None for row in root.xpath("//tbody/tr"))


def test_the_page_says_what_the_figures_say(pages: tuple[str, str]) -> None:
    overview_text, issue_text = (str(html.document_fromstring(page).text_content()) for page in pages)
    assert "The <Letter>" in overview_text
    assert "1 (50.0 %)" in overview_text
    assert "at or above 0.3 %: Gmail and Yahoo may refuse your mail" in overview_text
    assert "skipped: <b>left</b>" in issue_text
    assert "Opened0readers, 1 more by machines" in issue_text
    assert html.document_fromstring(pages[0]).xpath("//a/@href") == ["/", "/numbers/issue-2", "/numbers/issue-1"]


def test_a_badge_stands_behind_each_link_and_before_the_text_that_follows() -> None:
    links = [LinkClicks("https://a.example/", 30, 40), LinkClicks(OWN_PAGE, 2, 2)]
    told = html.document_fromstring(heat_map(PICTURE, links, 100, "https://us.example/unsubscribe/")).text_content()
    assert told == "Read this30.0 % · 30, or leave2.0 % · 2."


def test_a_csv_names_each_figure_and_holds_no_formula(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    with store.transaction() as connection:
        mail(connection, [[("skipped", '=HYPERLINK("x")', 1, []), ("accepted", "", 1, [])]])
        whole = overview(connection, "N", ZONE, NOW, 0)
        one = issue_stats(connection, "N", 1, NOW, "https://u/")
    store.close()
    head, line = broadcasts_csv(whole.broadcasts)
    row = dict(zip(head.split(","), line.split(","), strict=True))
    assert (row["planned"], row["skipped"], row["accepted"], row["clicked"]) == ("2", "1", "1", "")
    assert """skipped,"'=HYPERLINK(""x"")",1""" in issue_csv(one)


def test_charts_draw_what_there_is_even_where_there_is_nothing() -> None:
    nothing = charts.lines("T", "D", [], [Series("s", "main", [])], shown=str)
    assert nothing.startswith("<svg")
    gap = charts.lines("T", "D", list("abc"), [Series("s", "main", [1, None, 2])], shown=str, marks=[Mark(3, "limit")])
    assert gap.count("<circle") == 2
    assert 'class="line' not in gap  # nothing to draw a line to
    piled = charts.columns("T", "D", ["a"], up=[Series("u", "main", [3])], down=[Series("d", "loss", [1])], shown=str)
    assert piled.count("<rect") == 2


def test_thresholds_are_those_of_the_large_providers() -> None:
    assert [verdict(rate) for rate in (0.0, 0.0009, 0.001, 0.0029, 0.003, None)] == [
        "good", "good", "watch", "watch", "bad", "not measured",
    ]  # fmt: skip
