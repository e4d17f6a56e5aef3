"""One Chromium and one preview for a module's tests; each test has an issue of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import open_browser

from preview.publications import Running, make_publication, running, write_issue

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Locator, Page

PATIENCE = 30_000  # milliseconds, on a machine that does other things too
_numbers = count(100)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; skipped with a line that says why where there is none."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A preview of a publication with three issues."""
    with running(make_publication(tmp_path_factory.mktemp("publication"))) as started:
        yield started


@dataclass
class Editor:
    """A person at the preview: an issue of their own, the page that shows it, what the page complained of."""

    preview: Running
    page: Page
    file: Path
    complaints: list[str] = field(default_factory=list)

    @property
    def email(self) -> FrameLocator:
        """The frame with the email."""
        return self.page.frame_locator("section.pane >> nth=0 >> iframe")

    @property
    def folder(self) -> Path:
        return self.preview.folder

    def add(self, text: str) -> None:
        """Write `text` at the end of the issue."""
        self.file.write_text(self.file.read_text(encoding="utf-8") + text, encoding="utf-8")

    def open(self, name: str = "") -> None:
        """Load the page anew, and wait until it shows the issue."""
        self.page.goto(f"{self.preview.url}?{next(_numbers)}#{name or self.file.name}")
        self.page.locator("html[data-version]").wait_for(state="attached")

    def in_frame(self, script: str) -> Any:
        """What `script`, a function of the email's document, gives."""
        return self.page.evaluate(f"() => ({script})(document.querySelector('.pane iframe').contentDocument)")

    def side(self, selector: str) -> Locator:
        """Something beside the email."""
        return self.page.locator(f"#side {selector}")


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    """One page for a module's tests: a new one for each would cost as much as most of them."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def editor(page: Page, preview: Running) -> Iterator[Editor]:
    """Somebody who has just opened the page of a new issue. Fails if a script of the page failed."""
    file = write_issue(preview.folder, f"{(number := next(_numbers))}-letter.md", f"Letter {number}")
    person = Editor(preview, page, file)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")

    def complain(error: object) -> None:
        person.complaints.append(str(error))

    page.on("pageerror", complain)
    person.open()
    yield person
    page.remove_listener("pageerror", complain)
    page.unroute_all()
    page.evaluate("() => localStorage.clear()")
    file.unlink(missing_ok=True)
    assert person.complaints == []
