"""The webhooks of services that Anymail knows: whose they are, what they tell, and that an answer means stored."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.errors import ConfigError
from newsletter.providers import anymail_events
from newsletter.providers.anymail_events import BASIC, BATCH, NotTheirsError, read_events, services
from newsletter.store.tables import events

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
BASE = "https://test.example/letters"
SECRETS = {BASIC: "hook:old-password hook:password", "ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY": "k" * 32}
LOGIN = {"authorization": "Basic " + base64.b64encode(b"hook:password").decode()}
JSON = {"content-type": "application/json"}


def mailgun(event: str = "failed", **more: Any) -> bytes:
    """As Mailgun's documentation of its webhooks has it, signed."""
    moment, token = str(int(time.time())), "t" * 50
    signature = hmac.new(b"k" * 32, f"{moment}{token}".encode(), hashlib.sha256).hexdigest()
    data = {
        "event": event,
        "timestamp": 1763971200.25,
        "id": "ncV2XwymRUKbPek_MIM-Gw",
        "recipient": "ada@reader.example",
        "message": {"headers": {"to": "ada@reader.example", "message-id": "2026.1@mg.test.example", "subject": "x"}},
        "user-variables": {BATCH: "batch-1"},
        "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
    }
    block = {"timestamp": moment, "token": token, "signature": signature}
    return json.dumps({"signature": block, "event-data": data | more}).encode()


POSTMARK = {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Metadata": {BATCH: "batch-1"},
    "Details": "smtp;550 5.1.1 no such user",
    "Email": "ada@reader.example",
    "BouncedAt": "2026-11-23T10:00:00Z",
}
SENDGRID = [
    {"email": "ada@reader.example", "timestamp": 1763971200, "event": "delivered", "sg_event_id": "a1", BATCH: "b"},
    {"email": "bo@reader.example", "timestamp": 1763971200, "event": "bounce", "type": "blocked", "sg_event_id": "a2"},
    {"email": "bo@reader.example", "timestamp": 1763971200, "event": "deferred", "sg_event_id": "a3"},
]
BREVO = {
    "event": "hard_bounce",
    "email": "ada@reader.example",
    "id": 26224,
    "ts_epoch": 1763971200000,
    "message-id": "<2026.1@smtp-relay.mailin.fr>",
    "reason": "no such user",
}


def read(name: str, body: bytes, headers: Mapping[str, str]) -> list[tuple[str, str, str, bool]]:
    found = services(SECRETS.get, BASE)
    told = read_events(found[name], headers, body, f"{BASE}/webhooks/anymail/{name}", NOW)
    return [(event.kind.value, event.email, event.reference, event.soft) for event in told]


def test_what_services_tell_is_read_by_their_own_documentation() -> None:
    assert read("mailgun", mailgun(severity="permanent"), JSON | LOGIN) == [
        ("bounced", "ada@reader.example", "batch-1", False)
    ]
    assert read("mailgun", mailgun(severity="temporary"), JSON | LOGIN) == []  # deferred: the service tries again
    assert read("mailgun", mailgun("complained"), JSON | LOGIN)[0][0] == "complained"
    one = json.dumps(POSTMARK).encode()
    assert read("postmark", one, JSON | LOGIN) == [("bounced", "ada@reader.example", "batch-1", False)]
    soft = json.dumps(POSTMARK | {"Type": "SoftBounce"}).encode()
    assert read("postmark", soft, JSON | LOGIN)[0][3] is True
    assert read("sendgrid", json.dumps(SENDGRID).encode(), JSON | LOGIN) == [
        ("delivered", "ada@reader.example", "b", False),
        ("bounced", "bo@reader.example", "", True),
    ]
    assert read("brevo", json.dumps(BREVO).encode(), JSON | LOGIN)[0][:2] == ("bounced", "ada@reader.example")


def test_who_has_neither_signature_nor_password_is_refused() -> None:
    body = json.dumps(POSTMARK).encode()
    for login in ({}, {"authorization": "Basic eDp5"}, {"authorization": "é"}):
        with pytest.raises(NotTheirsError):
            read("postmark", body, JSON | login)
    with pytest.raises(NotTheirsError):
        read("mailgun", mailgun().replace(b"tttt", b"uuuu"), JSON | LOGIN)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"RecordType": 1}', b"[" * 50_000])
@pytest.mark.parametrize("name", ["postmark", "sendgrid", "brevo", "mailgun"])
def test_what_is_no_event_breaks_nothing(name: str, body: bytes) -> None:
    with contextlib.suppress(ValueError, NotTheirsError):
        assert read(name, body, JSON | LOGIN) == []


def test_a_service_is_open_only_with_a_secret_that_tells_its_posts_from_others(monkeypatch: Any) -> None:
    assert services({}.get, BASE) == {}
    assert set(services({"ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY": "k"}.get, BASE)) == {"mailgun"}
    only_basic = services({BASIC: "a:b"}.get, BASE)
    assert "postmark" in only_basic
    assert "mailgun" not in only_basic
    assert "a:b" not in repr(only_basic)
    monkeypatch.setattr(anymail_events, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="no Anymail"):
        services({BASIC: "a:b"}.get, BASE)


def test_events_are_stored_before_the_answer_and_once(town: Any) -> None:
    town.house = replace(town.house, anymail=services(SECRETS.get, BASE))
    town.inbox.start()
    body = json.dumps(SENDGRID).encode()
    for _ in range(2):
        assert town.visitor.ask("POST", "/webhooks/anymail/sendgrid", body, JSON | LOGIN).status == 200
    with town.store.reading() as connection:
        found = connection.execute(select(events.c.source, events.c.kind).order_by(events.c.id)).all()
    assert [tuple(row) for row in found] == [("anymail sendgrid", "delivered"), ("anymail sendgrid", "bounced")]
    one = json.dumps(POSTMARK).encode()
    assert town.visitor.ask("POST", "/webhooks/anymail/postmark", one, JSON | LOGIN).status == 200
    town.inbox.stop()
    assert town.state("ada@reader.example") == "bounced"


def test_the_door_says_what_is_wrong(town: Any) -> None:
    assert town.visitor.ask("POST", "/webhooks/anymail/postmark", b"{}", JSON | LOGIN).status == 404
    town.house = replace(town.house, anymail=services(SECRETS.get, BASE))
    page = town.visitor.ask("POST", "/webhooks/anymail/postmark", b"{}", JSON)
    assert (page.status, page.headers["www-authenticate"]) == (401, 'Basic realm="webhooks"')
    assert town.visitor.ask("POST", "/webhooks/anymail/postmark", b"{", JSON | LOGIN).status == 400
    assert town.visitor.ask("GET", "/webhooks/anymail/postmark", headers=LOGIN).status == 405
    assert town.visitor.ask("POST", "/webhooks/anymail/nobody", b"{}", JSON | LOGIN).status == 404
