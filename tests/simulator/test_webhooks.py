"""Signed events, received by a real HTTP server on loopback."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from newsletter.errors import UsageError
from newsletter.simulator.webhooks import Webhooks

from .conftest import Client, Start
from .test_mails import MAIL, SINGLE

SECRET = "whsec_test"


@dataclass
class Receiver:
    """What arrived, and the statuses to answer with (200 when they run out)."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    stall: threading.Event = field(default_factory=threading.Event)

    def events(self, count: int) -> list[dict[str, Any]]:
        """The first `count` bodies, once they have arrived."""
        end = time.monotonic() + 10
        while len(self.got) < count and time.monotonic() < end:
            time.sleep(0.005)
        assert len(self.got) == count
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()
    state.stall.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append((dict(self.headers), body))
            state.stall.wait(10)
            self.send_response(state.statuses.pop(0) if state.statuses else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook?x=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield state
    state.stall.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hooked(start: Start, receiver: Receiver) -> Client:
    return start(webhook=receiver.url, webhook_secret=SECRET, webhook_pace=0.002)


def test_each_mail_is_told_of_as_sent_and_delivered_and_signed(hooked: Client, receiver: Receiver) -> None:
    recipients = [{"email": "a@x.example", "name": "A"}, {"email": "b@x.example"}]
    batch = hooked.post("/mails/bulk", MAIL | {"recipients": recipients})["data"]["batchId"]
    events = receiver.events(4)
    assert [(e["type"], e["data"]["to"]["email"]) for e in events] == [
        (kind, address) for address in ("a@x.example", "b@x.example") for kind in ("email.sent", "email.delivered")
    ]
    assert events[0]["createdAt"].endswith("Z")
    data = events[0]["data"]
    assert data.items() >= {"batchId": batch, "from": "hello@plain-ai.example", "subject": "Hi ", "test": False}.items()
    assert hooked.call("GET", f"/mails/{data['emailId']}/status")[0] == 200
    headers, body = receiver.got[0]
    assert headers["X-Webhook-Signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Webhook-Event"] == "email.sent"
    assert abs(int(headers["X-Webhook-Timestamp"]) / 1000 - time.time()) < 60
    assert len({headers["X-Webhook-Delivery-Id"] for headers, _ in receiver.got}) == 4


@pytest.mark.parametrize(
    ("address", "kinds", "bounce"),
    [
        ("bounce@x.example", ["sent", "bounced"], "Permanent"),
        ("anna+bounce@x.example", ["sent", "bounced"], "Permanent"),
        ("softbounce@x.example", ["sent", "deferred", "bounced"], "Transient"),
        ("anna+complain@x.example", ["sent", "delivered", "spam_reported"], None),
        ("bounce+anna@x.example", ["sent", "delivered"], None),
    ],
)
def test_the_address_says_what_becomes_of_the_mail(
    hooked: Client, receiver: Receiver, address: str, kinds: list[str], bounce: str | None
) -> None:
    email = hooked.post("/mails/send", SINGLE | {"to": {"email": address}})["data"]["emailId"]
    events = receiver.events(len(kinds))
    assert [event["type"] for event in events] == [f"email.{kind}" for kind in kinds]
    assert events[-1]["data"].get("bounceType") == bounce
    assert hooked.call("GET", f"/mails/{email}/status")[1]["data"]["status"] == kinds[-1]
    again = hooked.post("/mails/bulk", MAIL | {"recipients": [{"email": address}]})["data"]
    assert again["failedCount"] == int(kinds[-1] == "spam_reported" or bounce == "Permanent")


def test_the_older_envelope(start: Start, receiver: Receiver) -> None:
    client = start(webhook=receiver.url, webhook_secret=SECRET, older=True)
    client.post("/mails/send", SINGLE | {"test": True})
    event = receiver.events(2)[0]
    assert set(event) == {"event", "timestamp", "data"}
    assert (event["event"], event["data"]["test"]) == ("email.sent", True)


def test_what_readers_and_contacts_do_is_told_too(hooked: Client, receiver: Receiver) -> None:
    hooked.post("/mails/send", SINGLE | {"html": "<a href='{{unsubscribe}}'>x</a>"})
    receiver.events(2)
    link = hooked.simulator.mailbox.email(0)["html"].split("'")[1].removeprefix(hooked.simulator.page)
    hooked.page(link, "POST")
    hooked.page(link, "POST")
    contact = hooked.post("/contacts", {"email": "c@x.example"})["data"]["id"]
    hooked.post("/contacts/email", {"email": "c@x.example", "firstName": "C"})
    hooked.call("DELETE", f"/contacts/{contact}")
    kinds = [event["type"] for event in receiver.events(6)[2:]]
    assert kinds == ["email.unsubscribed", "contact.created", "contact.updated", "contact.deleted"]


def wait_for(client: Client, **tally: int) -> None:
    end = time.monotonic() + 10
    while client.simulator.facts()["webhooks"] != tally and time.monotonic() < end:
        time.sleep(0.005)
    assert client.simulator.facts()["webhooks"] == tally


def test_a_refused_event_comes_again_with_the_same_id_and_a_redirect_is_not_followed(
    hooked: Client, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 404]
    hooked.post("/contacts", {"email": "c@x.example"})
    wait_for(hooked, delivered=1, failed=0, waiting=0)
    assert len(receiver.got) == 4
    assert len({(headers["X-Webhook-Delivery-Id"], body) for headers, body in receiver.got}) == 1


def test_after_four_attempts_an_event_is_given_up(hooked: Client, receiver: Receiver) -> None:
    receiver.statuses = [500] * 4
    hooked.post("/contacts", {"email": "c@x.example"})
    wait_for(hooked, delivered=0, failed=1, waiting=0)
    assert len(receiver.got) == 4


def test_a_waiting_event_holds_up_no_other_and_a_stop_does_not_wait(start: Start, receiver: Receiver) -> None:
    client = start(webhook=receiver.url, webhook_secret=SECRET)
    receiver.statuses = [500]
    for name in ("a", "b"):
        client.post("/contacts", {"email": f"{name}@x.example"})
    receiver.events(2)
    wait_for(client, delivered=1, failed=0, waiting=1)
    receiver.stall.clear()
    client.post("/contacts", {"email": "c@x.example"})
    receiver.events(3)
    began = time.monotonic()
    client.simulator.stop()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "http://10.0.0.1/x",
        "https://127.0.0.1/x",
        "ftp://127.0.0.1/",
        "http://127.0.0.1.example.org/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "nonsense",
    ],
)
def test_only_this_machine_is_called(url: str) -> None:
    with pytest.raises(UsageError, match="not an address on this machine"):
        Webhooks(url, SECRET)


def test_webhooks_without_a_secret_are_refused() -> None:
    with pytest.raises(UsageError, match="secret is missing"):
        Webhooks("http://[::1]:9/x", "")
