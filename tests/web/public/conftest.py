"""A publication that has sent an issue, its public pages, and its post room on the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from visiting import Visitor, link_in

from newsletter.clock import SystemClock
from newsletter.pipeline.approval import approve
from newsletter.pipeline.desk import open_desk
from newsletter.pipeline.sending import Sending
from newsletter.providers.outbox import Outbox
from newsletter.publication import Publication, find_publication
from newsletter.schedule.queue import approved
from newsletter.store.database import Store, open_store
from newsletter.store.tables import subscribers
from newsletter.web.public.house import House, open_house
from newsletter.web.public.inbox import Inbox
from newsletter.web.public.postroom import PostRoom

BASE = "https://test.example/letters"
SECRET = "s" * 40
NOW = datetime.now(UTC)
_TOML = f"""
[publication]
name = "Plain & Test"
base_url = "{BASE}"
sender = "Test <test@test.example>"
postal_address = "Test, 1 Test Road, 10115 Berlin"
description = "One idea a week."
[provider]
name = "outbox"
[public]
topics = ["events", "jobs"]
"""
_ISSUE = """\
---
subject: About {slug}
preheader: What it is
status: ready
tags: [{tags}]
segment: {segment}
---

Hello {{{{ name | default("there") }}}}, the word of {slug} is zanzibar & <b>more</b>.
"""


@dataclass
class Town:
    """A publication at work: readers, provider, pages."""

    folder: Path
    publication: Publication
    store: Store
    house: House
    room: PostRoom
    inbox: Inbox

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.house)

    def publish(self, slug: str, tags: str = "ai", segment: str = "", body: str = "") -> None:
        """Write an issue, approve it, send it."""
        text = _ISSUE.format(slug=slug, tags=tags, segment=segment) + body
        (self.folder / "issues" / f"{slug}.md").write_text(text, encoding="utf-8")
        desk = open_desk(self.publication)
        approve(desk, self.store, desk.find(slug), NOW, by="a test")
        sending = Sending(desk, self.store, self.room.provider, SystemClock())
        with self.store.reading() as connection:
            (issue,) = [issue for issue in approved(connection) if issue.slug == slug]
        sending.post(sending.plan_now(issue))

    def mails(self) -> list[str]:
        """The texts of all mails, the oldest first."""
        files = (self.folder / ".newsletter" / "outbox").glob("*/*.eml")
        return [file.read_text() for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]

    def mailed_link(self) -> str:
        """The path of the link in the last mail, after the wishes were answered."""
        self.room.work_off()
        return link_in(self.mails()[-1], BASE)

    def state(self, email: str) -> str:
        from sqlalchemy import select

        with self.store.reading() as connection:
            query = select(subscribers.c.state).where(subscribers.c.email_key == email.lower())
            return connection.execute(query).scalar() or "nobody"


@pytest.fixture
def town(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    """Readers ada and bo are active, cy has left; nothing was sent yet. A parameter is more of the configuration."""
    (tmp_path / "issues").mkdir()
    (tmp_path / "newsletter.toml").write_text(_TOML + getattr(request, "param", ""), encoding="utf-8")
    publication = find_publication(tmp_path, tmp_path)
    store = open_store("", publication.state)
    rows = [
        {"email": f"{name}@reader.example", "email_key": f"{name}@reader.example", "name": name, "state": state}
        | {"created_at": NOW, "changed_at": NOW}
        for name, state in {"ada": "active", "bo": "active", "cy": "unsubscribed"}.items()
    ]
    with store.transaction() as connection:
        connection.execute(subscribers.insert(), rows)
    inbox = Inbox(store, "autosend", 3, lambda: datetime.now(UTC))
    house = open_house(publication, store, lambda: datetime.now(UTC), secret=SECRET, inbox=inbox)
    room = PostRoom(house, Outbox(publication.state / "outbox"))
    house = replace(house, ring=room.bell.set)
    room.house = house
    yield Town(tmp_path, publication, store, house, room, inbox)
    store.close()
