"""AutoSend's events at the door: whose they are, what is answered, and that an answer means stored."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.store.tables import events

SECRET = "s" * 40


def headers(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Webhook-Signature": mac, "X-Webhook-Timestamp": str(int((at or time.time()) * 1000))}


def body(kind: str = "email.bounced", older: bool = False, **data: Any) -> bytes:
    names = ("event", "timestamp") if older else ("type", "createdAt")
    told = {"to": {"email": "ada@reader.example"}, "batchId": "b", "subject": "x"} | data
    return json.dumps({names[0]: kind, names[1]: "2099-01-01T00:00:00Z", "data": told}).encode()


def post(town: Any, text: bytes, given: dict[str, str] | None = None) -> int:
    return int(town.visitor.ask("POST", "/webhooks/autosend", text, given or headers(text)).status)


@pytest.mark.parametrize("older", [False, True])
def test_a_signed_event_is_stored_and_then_applied(town: Any, older: bool) -> None:
    town.inbox.start()
    text = body(older=older, bounceType="Permanent")
    assert [post(town, text) for _ in range(3)] == [200, 200, 200]
    with town.store.reading() as connection:
        assert len(connection.execute(select(events.c.id)).all()) == 1
    town.inbox.stop()
    assert town.state("ada@reader.example") == "bounced"


def test_what_is_not_signed_by_the_provider_or_long_ago_is_refused(town: Any) -> None:
    text = body()
    assert post(town, text, headers(text, "x" * 40)) == 401
    assert post(town, text + b" ", headers(text)) == 401
    assert post(town, text, headers(text, at=time.time() - 3600)) == 401
    assert post(town, text, {"X-Webhook-Signature": "é"}) == 401
    assert post(town, text, headers(text) | {"X-Webhook-Timestamp": "x"}) == 401
    with town.store.reading() as connection:
        assert connection.execute(select(events.c.id)).all() == []


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"data": 1}', b"\xff", b"[" * 100_000, b"1e999"])
def test_what_is_no_event_is_400(town: Any, text: bytes) -> None:
    assert post(town, text) == 400


def test_what_is_not_of_interest_is_taken_and_dropped(town: Any) -> None:
    for text in (body("email.deferred"), body("contact.created"), body(test=True), body(to=None), body(to=[7])):
        assert post(town, text) == 200


def test_an_event_that_cannot_be_stored_is_not_acknowledged(town: Any, monkeypatch: Any) -> None:
    town.inbox.start()

    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("newsletter.web.public.inbox.store_events", full)
    assert post(town, body()) == 503
    monkeypatch.undo()
    assert post(town, body()) == 200
    town.inbox.stop()
