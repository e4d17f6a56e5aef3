"""Every public page before the judges: valid HTML, nothing that hinders anybody, small, from 320 to 1440 pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judges import hindrances, html_faults, install_judges
from test_languages import LANGUAGES, pages_of

from newsletter.web.public.limits import Limits

pytestmark = pytest.mark.slow


@pytest.fixture
def pages(town: Any, tmp_path: Path) -> list[Path]:
    """All pages in all languages as files."""
    for number in range(3):
        town.publish(f"issue-{number}", tags="ai & co, a/b, 日本")
    (tmp_path / "pages").mkdir()
    paths = []
    for language in LANGUAGES:
        for name, page in pages_of(replace(town.house, limits=Limits()).speaking(language)).items():
            paths.append(tmp_path / "pages" / f"{language}-{len(paths)}.html")
            paths[-1].write_text(page, encoding="utf-8")
            assert len(page.encode()) < 50_000, (language, name)
    return paths


def test_the_public_pages_are_valid_and_hinder_nobody(pages: list[Path], tmp_path: Path) -> None:
    modules = install_judges(tmp_path)
    assert not html_faults(modules, pages)
    some = [path for path in pages if path.name.startswith(("en", "de", "ar"))]
    results = hindrances(modules, some, widths=(320, 375, 1440))
    assert not [(Path(result["path"]).name, each) for result in results for each in result["found"]]
    assert not [(Path(result["path"]).name, result["width"]) for result in results if result["sideways"]]
