"""The system's Chromium, found in one place; no test downloads a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
REQUIRED = "NEWSLETTER_NEEDS_BROWSER"  # `.ci/run` sets it: there a missing browser is a failure, not a skip


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome: what CHROMIUM names, else the first on the PATH; None where there is none."""
    wished = os.environ.get("CHROMIUM", "")
    if wished:
        return shutil.which(wished)
    found = (shutil.which(name) for name in _NAMES)
    return next((path for path in found if path), None) or next((path for path in _MAC if Path(path).exists()), None)


def need_chromium() -> str:
    """Its path; without one the test is skipped with a line that says what to install, or fails where CI needs it."""
    path = find_chromium()
    if path is None:
        reason = "no Chromium here: install Debian's `chromium`, or name one in CHROMIUM"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium for as long as the `with` lasts."""
    path = need_chromium()
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright comes with the dev packages")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()
