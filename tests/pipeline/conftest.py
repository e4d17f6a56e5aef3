"""A publication on disk, its desk and its store, as the stations of the pipeline need them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.clock import SystemClock
from newsletter.content.issue import Issue
from newsletter.delivery.protocol import Provider
from newsletter.pipeline.desk import Desk, open_desk
from newsletter.pipeline.sending import Sending
from newsletter.providers.outbox import Outbox
from newsletter.publication import find_publication
from newsletter.store.database import Store, open_store
from newsletter.store.tables import subscribers

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # Monday
_TOML = """
[publication]
name = "Test"
base_url = "https://test.example"
sender = "Test <test@test.example>"
postal_address = "Test, 1 Test Road, 10115 Berlin"
[schedule]
timezone = "Europe/Berlin"
[provider]
name = "outbox"
"""


@dataclass
class Press:
    """Everything that sending an issue takes, on a folder that tests may write to."""

    folder: Path
    store: Store
    now: datetime = NOW

    @property
    def desk(self) -> Desk:
        """The issues as they are now."""
        return open_desk(find_publication(self.folder, self.folder))

    def write(self, name: str, body: str = "A body of a few words.", **front: str) -> Path:
        """An issue that is ready, unless `front` says otherwise."""
        values = {"subject": f"About {name}", "preheader": "What it is", "status": "ready"} | front
        lines = [f"{key}: {value}" for key, value in values.items()]
        path = self.folder / "issues" / f"{name}.md"
        path.write_text("\n".join(["---", *lines, "---", "", body, ""]), encoding="utf-8")
        return path

    def issue(self, name: str) -> Issue:
        return self.desk.find(name)

    def sending(self, provider: Provider | None = None) -> Sending:
        provider = provider or Outbox(self.folder / ".newsletter" / "outbox")
        return Sending(self.desk, self.store, provider, SystemClock.starting_at(self.now))

    @property
    def mails(self) -> list[str]:
        """The files of the mails in the outbox, whose names hold the addresses."""
        return sorted(path.name for path in (self.folder / ".newsletter" / "outbox").glob("*/*.eml"))


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    """A publication without issues and with three readers, the third of whom has left."""
    (tmp_path / "issues").mkdir()
    (tmp_path / "newsletter.toml").write_text(_TOML, encoding="utf-8")
    store = open_store("", tmp_path / ".newsletter")
    states = {"ada": "active", "bo": "active", "cy": "unsubscribed"}
    rows = [
        {"email": f"{name}@reader.example", "email_key": f"{name}@reader.example", "name": name, "state": state}
        | {"created_at": NOW, "changed_at": NOW}
        for name, state in states.items()
    ]
    with store.transaction() as connection:
        connection.execute(subscribers.insert(), rows)
    yield Press(tmp_path, store)
    store.close()
