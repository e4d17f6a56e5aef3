"""The numbers in the preview, in a real Chromium: reached from the desk, complete, fit for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from newsletter.cli.main import main
from newsletter.store.database import open_store
from newsletter.store.tables import batches, broadcasts, events
from preview.conftest import PATIENCE
from preview.publications import Running, make_publication, running, write_issue

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

expect.set_options(timeout=PATIENCE)
LINK = "https://example.org/page"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A preview of a publication that sent its first issue to three readers, of whom two have it and one clicked."""
    folder = make_publication(tmp_path_factory.mktemp("sent"))
    for name in ("ada", "bo", "cy"):
        assert main(["-C", str(folder), "subscribers", "add", f"{name}@gmail.com", "--consent-source", "test"]) == 0
    assert main(["-C", str(folder), "send", "one", "--now", "--confirm", "one:3"]) == 0
    tell(folder)
    with running(folder) as started:
        yield started


def tell(folder: Path) -> None:
    """Events of the broadcast, as if they had come and been applied."""
    store = open_store("", folder / ".newsletter")
    with store.transaction() as connection:
        number, at = connection.execute(select(broadcasts.c.id, broadcasts.c.started_at)).one()
        reference = connection.execute(select(batches.c.reference)).scalar_one()
        for key, (kind, who) in enumerate([("delivered", 1), ("delivered", 2), ("clicked", 1)]):
            row = {"source": "t", "key": str(key), "kind": kind, "email_key": "", "reference": reference}
            row |= {"state": "applied", "subscriber_id": who, "broadcast_id": number, "detail": {"link": LINK}}
            moment = at + timedelta(seconds=key)
            connection.execute(events.insert(), row | {"occurred_at": moment, "received_at": datetime.now(UTC)})
    store.close()


@pytest.fixture(params=[(375, "light"), (1440, "dark")], ids=["phone", "desk"])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    width, scheme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.mark.slow
def test_the_numbers_are_reached_from_the_desk_and_lead_to_each_issue_and_back(sent: Running, page: Page) -> None:
    page.goto(sent.url)
    page.get_by_role("link", name="Numbers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Plain Letters")
    expect(page.get_by_role("row", name="one")).to_contain_text("3")
    page.get_by_role("link", name="one").click()
    badge = page.frame_locator("iframe").get_by_text("· 1")
    expect(badge.first).to_contain_text("1")
    page.get_by_role("link", name="All numbers").click()
    page.get_by_role("link", name="Back to the issues").click()
    expect(page.locator("#brand")).to_have_text("Plain Letters")


@pytest.mark.slow
def test_axe_finds_nothing_and_nothing_hangs_over_the_edge(sent: Running, page: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for path in ("numbers", "numbers/one"):
        page.goto(f"{sent.url}{path}")
        for summary in page.locator("summary").all():
            summary.click()
        found = Axe().run(page, options={"iframes": False})
        assert [fault["id"] for fault in found.response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_the_inbox_shows_every_subject_that_is_tested(sent: Running, page: Page) -> None:
    file = write_issue(sent.folder, "009-tested.md", "Tested")
    text = file.read_text(encoding="utf-8").replace("subject: Tested", 'subjects: ["The first", "Another one"]')
    file.write_text(text, encoding="utf-8")
    page.goto(f"{sent.url}#009-tested.md")
    page.locator("html[data-version]").wait_for(state="attached")
    page.keyboard.press("4")
    expect(page.locator(".inbox .row.gmail")).to_contain_text(["The first", "Another one"])
