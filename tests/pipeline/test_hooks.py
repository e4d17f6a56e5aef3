"""Programs are told what happened: signed, in order, each event at least once, whatever fails between."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from newsletter.audience import consent, hand
from newsletter.delivery.planning import create_broadcast
from newsletter.pipeline.hooks import sign, tell_hooks
from newsletter.publication import Publication, find_publication
from newsletter.store.database import Store, open_store
from newsletter.store.tables import broadcasts, editions

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
TOML = """\
[publication]
name = "Test"
base_url = "https://test.example"
sender = "Test <test@test.example>"
[[hooks]]
url = "HOOK_URL"
key = "HOOK_KEY"
"""


@dataclass
class Program:
    """A program that is told, and what it was told; `answer` is the status it answers with."""

    url: str = ""
    answer: int = 204
    posts: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.posts for event in json.loads(body)["events"]]

    @property
    def told(self) -> list[str]:
        return [event["id"] for event in self.events]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    made = Program()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.answer < 300:
                made.posts.append((self.headers["Newsletter-Signature"], body))
            self.send_response(made.answer)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/secret-path"
    monkeypatch.setenv("HOOK_URL", made.url)
    monkeypatch.setenv("HOOK_KEY", "k" * 32)
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def publication(tmp_path: Path) -> Publication:
    (tmp_path / "newsletter.toml").write_text(TOML, encoding="utf-8")
    return find_publication(tmp_path)


@pytest.fixture
def store(publication: Publication) -> Iterator[Store]:
    opened = open_store("", publication.state)
    yield opened
    opened.close()


def join(store: Store, *names: str) -> None:
    with store.transaction() as connection:
        for name in names:
            hand.add(connection, hand.address_of(f"{name}@reader.example"), name="", tags=(), source="test", now=NOW)


def look(publication: Publication, store: Store) -> list[str]:
    said: list[str] = []
    tell_hooks(publication, store, lambda: NOW, said.append)
    return said


def test_the_first_look_tells_nothing_of_before_and_the_next_what_happened_since(
    publication: Publication, store: Store, program: Program
) -> None:
    join(store, "old")
    assert look(publication, store) == []
    assert program.posts == []
    join(store, "ada")
    look(publication, store)
    look(publication, store)
    assert [event["type"] for event in program.events] == ["subscriber.asked", "subscriber.added"]
    assert program.events[1]["data"]["email"] == "ada@reader.example"
    assert len(program.posts) == 1


def test_the_signature_is_that_of_the_time_and_the_body(
    publication: Publication, store: Store, program: Program
) -> None:
    look(publication, store)
    join(store, "ada")
    look(publication, store)
    ((header, body),) = program.posts
    at = int(NOW.timestamp())
    expected = hmac.new(b"k" * 32, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert header == f"t={at},v1={expected}" == sign("k" * 32, body, at)


@pytest.mark.parametrize("answer", [302, 400, 404, 500, 503])
def test_what_is_not_taken_comes_again_in_order(
    publication: Publication, store: Store, program: Program, answer: int
) -> None:
    look(publication, store)
    program.answer = answer
    join(store, "ada")
    assert look(publication, store) == [f"hook HOOK_URL: it answered {answer}"]
    join(store, "bob")
    program.answer = 200
    assert look(publication, store) == []
    assert program.told == [f"consent-{n}" for n in (1, 2, 3, 4)]


def test_a_program_that_is_away_is_told_of_without_its_address(
    publication: Publication, store: Store, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(publication, store)
    join(store, "ada")
    monkeypatch.setenv("HOOK_URL", "http://127.0.0.1:9/secret-path")
    (line,) = look(publication, store)
    assert line == "hook HOOK_URL: it cannot be reached: ConnectionError"
    monkeypatch.delenv("HOOK_KEY")
    assert look(publication, store) == ["hook HOOK_URL: HOOK_KEY is not set"]


def test_a_crash_after_the_post_tells_it_again_and_loses_nothing(
    publication: Publication, store: Store, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(publication, store)
    join(store, "ada")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("newsletter.pipeline.hooks.update", killed)
        with pytest.raises(KeyboardInterrupt):
            look(publication, store)
    look(publication, store)
    assert program.told == ["consent-1", "consent-2"] * 2


def test_many_events_come_in_posts_of_a_hundred(publication: Publication, store: Store, program: Program) -> None:
    look(publication, store)
    join(store, *(f"r{number}" for number in range(125)))
    look(publication, store)
    assert [len(json.loads(body)["events"]) for _, body in program.posts] == [100, 100, 50]
    assert program.told == [f"consent-{n}" for n in range(1, 251)]


def test_only_the_events_that_were_asked_for_are_told(
    publication: Publication, store: Store, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML + 'events = ["subscriber.left"]\n', encoding="utf-8")
    choosy = find_publication(tmp_path)
    look(choosy, store)
    join(store, "ada")
    look(choosy, store)
    with store.transaction() as connection:
        consent.goodbye(connection, 1, "test", NOW)
    look(choosy, store)
    assert [event["type"] for event in program.events] == ["subscriber.left"]


def test_each_state_of_a_broadcast_that_is_seen_is_told_once(
    publication: Publication, store: Store, program: Program
) -> None:
    look(publication, store)
    with store.transaction() as connection:
        row = {"digest": "d", "slug": "first", "content": "{}", "created_at": NOW}
        connection.execute(editions.insert(), row)
        create_broadcast(connection, slug="first", digest="d", segment="", provider="outbox", now=NOW, slot=None)
    look(publication, store)
    with store.transaction() as connection:
        connection.execute(broadcasts.update().values(state="sent", finished_at=NOW + timedelta(minutes=1)))
    look(publication, store)
    look(publication, store)
    assert program.told == ["broadcast-1-planned", "broadcast-1-sent"]
    assert program.events[1] == {
        "id": "broadcast-1-sent",
        "type": "broadcast.sent",
        "at": "2026-11-24T08:01:00+00:00",
        "data": {"slug": "first", "reason": "", "provider": "outbox", "digest": "d"},
    }
