"""A publication to mistreat, and the program in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import ISSUE, TOML, Call, Said, calling


@pytest.fixture
def publication(tmp_path: Path) -> Path:
    """A publication with one issue, `first`, that has nothing wrong with it."""
    folder = tmp_path / "publication"
    (folder / "issues").mkdir(parents=True)
    (folder / "newsletter.toml").write_text(TOML, encoding="utf-8")
    (folder / "issues" / "001-first.md").write_text(ISSUE, encoding="utf-8")
    return folder


@pytest.fixture
def call(publication: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs a command line on the publication: what it said, and its exit code."""

    def run(*words: str | Path, here: bool = True) -> Said:
        return calling(capfd, [*words, *(["-C", publication] if here else [])])

    return run
