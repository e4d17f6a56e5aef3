"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from newsletter.store.database import Store, open_store

settings.register_profile("newsletter", deadline=None)  # a busy machine is no failure
settings.load_profile("newsletter")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database of its own, in SQLite."""
    opened = open_store("", tmp_path / "state")
    yield opened
    opened.close()
