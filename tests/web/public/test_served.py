"""The public pages over a real socket: a reader's life in Chromium, a simulator's events, and rude connections."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import open_browser
from visiting import link_in

from newsletter.audience.tokens import open_signer
from newsletter.pipeline.desk import open_desk
from newsletter.providers.outbox import Outbox
from newsletter.publication import find_publication
from newsletter.simulator import Simulator, SimulatorOptions
from newsletter.store.database import Store, open_store
from newsletter.store.tables import subscribers
from newsletter.web.public import serving

SECRET = "s" * 40
NOW = datetime.now(UTC)
_TOML = """
[publication]
name = "Plain Test"
base_url = "{base}"
sender = "Test <test@test.example>"
postal_address = "Test, 1 Test Road, 10115 Berlin"
description = "One idea a week."
[provider]
name = "outbox"
[public]
topics = ["events", "jobs"]
"""


@dataclass
class Served:
    """Public pages that are being served."""

    base: str
    port: int
    folder: Path
    store: Store

    def mailed_link(self, number: int) -> str:
        """The path of the link in the `number`-th mail, once it is there."""
        wait(lambda: len(self._mails()) >= number)
        return link_in(max(self._mails(), key=lambda file: file.stat().st_mtime_ns).read_text(), self.base)

    def _mails(self) -> list[Path]:
        return list((self.folder / ".newsletter" / "outbox").glob("*/*.eml"))

    def got(self, member: int) -> list[tuple[str, str, str]]:
        """What became of each issue since the first for a reader: slug, state, reason."""
        from sqlalchemy import select

        from newsletter.store.tables import broadcasts, deliveries

        query = select(broadcasts.c.slug, deliveries.c.state, deliveries.c.reason)
        query = query.join(deliveries, deliveries.c.broadcast_id == broadcasts.c.id).order_by(broadcasts.c.id)
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(query.where(deliveries.c.subscriber_id == member))]

    def states(self) -> dict[str, str]:
        from sqlalchemy import select

        with self.store.reading() as connection:
            return dict(connection.execute(select(subscribers.c.email_key, subscribers.c.state)).all())


def wait(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what another thread is about to do."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A publication with one issue sent to ada, its pages on a port of this machine."""
    monkeypatch.setenv("AUTOSEND_WEBHOOK_SECRET", SECRET)
    listener = serving.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    (tmp_path / "issues").mkdir()
    (tmp_path / "newsletter.toml").write_text(_TOML.format(base=base), encoding="utf-8")
    publication = find_publication(tmp_path, tmp_path)
    store = open_store("", publication.state)
    with store.transaction() as connection:
        row = {"email": "ada@reader.example", "email_key": "ada@reader.example", "state": "active", "fields": {}}
        connection.execute(subscribers.insert(), row | {"created_at": NOW, "changed_at": NOW})
    _publish(tmp_path, store)
    with _running(publication, store, listener):
        yield Served(base, port, tmp_path, store)
    store.close()


def _publish(folder: Path, store: Store, slug: str = "new") -> None:
    from newsletter.clock import SystemClock
    from newsletter.pipeline.approval import approve
    from newsletter.pipeline.sending import Sending
    from newsletter.schedule.queue import approved

    text = "---\nsubject: What is new\npreheader: In short\nstatus: ready\n---\n\nHello, this is the news.\n"
    (folder / "issues" / f"{slug}.md").write_text(text, encoding="utf-8")
    desk = open_desk(find_publication(folder, folder))
    approve(desk, store, desk.find(slug), NOW, by="a test")
    sending = Sending(desk, store, Outbox(folder / "sent"), SystemClock())
    with store.reading() as connection:
        (issue,) = [issue for issue in approved(connection) if issue.slug == slug]
    sending.post(sending.plan_now(issue))


@contextmanager
def _running(publication: Any, store: Store, listener: socket.socket) -> Iterator[None]:
    stops: list[Callable[[], None]] = []
    provider = Outbox(publication.state / "outbox")
    with serving.open_doors(publication, store, provider, lambda: datetime.now(UTC), print) as (house, _):
        thread = threading.Thread(target=serving.serve, args=(house, listener, print, (), stops.append))
        thread.start()
        wait(lambda: bool(stops))
        try:
            yield
        finally:
            stops[0]()
            thread.join()


@pytest.mark.slow
def test_a_readers_life_in_a_browser(served: Served) -> None:
    with ThreadPoolExecutor(1) as thread:  # another test may have a browser open, whose loop runs in this one
        thread.submit(_live, served).result()


def _live(served: Served) -> None:
    with open_browser() as browser:
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        _come(served, page)
        leave = f"{served.base}/unsubscribe/{open_signer(served.folder / '.newsletter').unsubscribe_token(2)}"
        _change(served, page, leave)
        page.goto(leave)
        page.get_by_role("button", name="Unsubscribe").click()
        page.get_by_role("heading", name="You are not on the list").wait_for()
        assert served.states() == {"ada@reader.example": "active", "dee@other.example": "unsubscribed"}
        _come_back(served, page)
        answer = page.request.post(leave, data="List-Unsubscribe=One-Click")
        assert answer.status == 200
        assert served.states()["dee@other.example"] == "unsubscribed"
        assert said == []  # nothing that the page's own policy forbids


def pleasant(page: Any) -> None:
    """axe-core finds nothing to mend."""
    assert Axe().run(page).response["violations"] == []


def _come(served: Served, page: Any) -> None:
    page.goto(f"{served.base}/")
    pleasant(page)
    page.get_by_role("link", name="What is new").click()
    page.wait_for_selector("article h1")
    page.get_by_label("Email address").fill("Dee@new.example")
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("heading", name="Look into your inbox").wait_for()
    pleasant(page)
    page.goto(served.base + served.mailed_link(1))
    pleasant(page)
    page.get_by_role("button", name="Yes, sign me up").click()
    page.get_by_text("You are on the list.").wait_for()
    assert served.states()["dee@new.example"] == "active"


def _change(served: Served, page: Any, leave: str) -> None:
    page.goto(leave)
    page.get_by_role("link", name=re.compile("less often")).click()
    page.get_by_role("heading", name="Your settings").wait_for()
    pleasant(page)
    page.get_by_label("One a week at most").check()
    page.get_by_label("How long").select_option("4")
    page.get_by_label("jobs").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert page.get_by_label("One a week at most").is_checked()
    assert page.get_by_label("How long").input_value() == "keep"
    _publish(served.folder, served.store, "while-paused")
    assert served.got(2) == [("while-paused", "skipped", "paused")]
    page.get_by_label("How long").select_option("0")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    _publish(served.folder, served.store, "after-the-pause")
    _publish(served.folder, served.store, "too-soon")
    assert served.got(2)[1:] == [("after-the-pause", "accepted", ""), ("too-soon", "skipped", "less often")]
    page.get_by_label("Your new email address").fill("dee@other.example")
    page.get_by_role("button", name="Change my address").click()
    page.goto(served.base + served.mailed_link(2))
    page.get_by_role("button", name="Yes, use this address").click()
    page.get_by_text("From now on issues come to dee@other.example.").wait_for()


def _come_back(served: Served, page: Any) -> None:
    page.get_by_role("link", name="Come back").click()
    page.get_by_label("Email address").fill("dee@other.example")
    page.get_by_role("button", name="Sign up").click()
    page.goto(served.base + served.mailed_link(3))
    page.get_by_role("button", name="Yes, sign me up").click()
    page.get_by_text("You are on the list.").wait_for()
    assert served.states()["dee@other.example"] == "active"


def test_the_simulators_events_reach_the_readers(served: Served, tmp_path: Path) -> None:
    url = f"{served.base}/webhooks/autosend"
    with Simulator(SimulatorOptions(tmp_path / "simulator", rate=0, webhook=url, webhook_secret=SECRET)) as simulator:
        import requests

        mail = {"from": {"email": "t@test.example"}, "to": {"email": "ada+complain@reader.example"}}
        mail |= {"subject": "x", "html": "<p>x</p>"}
        with served.store.transaction() as connection:
            row = {"email": "ada+complain@reader.example", "state": "active", "fields": {}}
            row |= {"email_key": "ada+complain@reader.example", "created_at": NOW, "changed_at": NOW}
            connection.execute(subscribers.insert(), row)
        answer = requests.post(
            f"{simulator.url}/mails/send", json=mail, headers={"Authorization": "Bearer k"}, timeout=10
        )
        assert answer.status_code == 200
        wait(lambda: served.states()["ada+complain@reader.example"] == "complained")


def test_a_connection_that_says_nothing_is_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.5)
    for first in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as rude:
            rude.sendall(first)
            begin = time.monotonic()
            while rude.recv(65536):
                if b"health" in first:
                    rude.sendall(b"GET ")  # and never goes on
            assert time.monotonic() - begin < 8


def test_a_body_that_does_not_come_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.web.public.guard.BODY_SECONDS", 0.5)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.putrequest("POST", "/subscribe")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"email=")
    assert connection.getresponse().status == 408
    connection.close()


@pytest.mark.slow
def test_a_kill_loses_no_event_that_was_acknowledged(tmp_path: Path) -> None:
    from benchmarks.events import count, event_call, serving

    acknowledged: list[int] = []
    with serving(tmp_path) as (process, port):

        def post(numbers: range) -> None:
            for number in numbers:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                    connection.sendall(event_call(number))
                    if connection.recv(4096).startswith(b"HTTP/1.1 200"):
                        acknowledged.append(number)

        def until_killed(numbers: range) -> None:
            with contextlib.suppress(OSError):
                post(numbers)

        threads = [
            threading.Thread(target=until_killed, args=(range(n, n + 10_000),)) for n in range(0, 80_000, 10_000)
        ]
        for thread in threads:
            thread.start()
        wait(lambda: len(acknowledged) > 200)
        process.kill()
        for thread in threads:
            thread.join()
    assert count(tmp_path) >= len(acknowledged) > 200
