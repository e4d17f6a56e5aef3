"""The HTTP side of the simulator: `/v1` for programs, `/` for people. Loopback only, standard library only."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from newsletter.errors import NewsletterError
from newsletter.simulator.answers import Answer, failure
from newsletter.simulator.contacts import Contacts
from newsletter.simulator.faults import parse_faults
from newsletter.simulator.limits import RateLimit
from newsletter.simulator.mailbox import Mailbox
from newsletter.simulator.mails import Mails
from newsletter.simulator.pages import Page, Pages
from newsletter.simulator.routes import Call, Routes
from newsletter.simulator.suppressions import Suppressions
from newsletter.simulator.webhooks import Webhooks

LARGEST_BODY = 64 * 1024 * 1024  # bytes; 40 MiB of attachments in base64 and some room
_STALL = 30.0  # seconds without an answer, or until the simulator stops
_ADDRESS = "address"  # the file in the data folder that says where the simulator of that folder answers
_HERE = ("127.0.0.1", "localhost", "::1")
_DENIALS = {
    "402": "simulated fault: the plan's credit is used up",
    "403": "simulated fault: the sender's domain is not verified",
    "429": "simulated fault: rate limit exceeded",
    "500": "simulated fault: internal server error",
}


@dataclass(frozen=True)
class SimulatorOptions:
    """How the simulator behaves.

    `rate` is requests a second and key, 0 for no limit; `api_key` None takes any key. `older` is the older age of the
    documentation. `webhook` is an address on this machine, `webhook_pace` scales the waits between its attempts.
    """

    data: Path
    port: int = 0
    api_key: str | None = field(default=None, repr=False)
    rate: float = 2.0
    latency_ms: int = 0
    faults: str = ""
    idempotency: bool = True
    bodies: str = "full"  # or "template": keep the values, not each reader's HTML (for many thousand readers)
    older: bool = False
    webhook: str = ""
    webhook_secret: str = field(default="", repr=False)
    webhook_pace: float = 1.0


class Simulator:
    """A running simulator; `url` is what `[provider] base_url` would be. A context manager that stops it.

    Raises UsageError for options that cannot be meant, NewsletterError where port or folder cannot be used.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.faults = parse_faults(options.faults)
        self.webhooks = Webhooks(
            options.webhook, options.webhook_secret, older=options.older, pace=options.webhook_pace
        )
        self.limit = RateLimit(options.rate)
        self.stopping = threading.Event()
        self._address = options.data / _ADDRESS
        self._thread: threading.Thread | None = None
        with ExitStack() as opened:
            self._server = _listen(options.port, type("Handler", (_Handler,), {"simulator": self}))
            opened.callback(self._server.server_close)
            self.mailbox = Mailbox(options.data)
            opened.callback(self.mailbox.close)
            suppressions = Suppressions(options.data)
            opened.callback(suppressions.close)
            contacts = Contacts(options.data, self.webhooks.announce)
            opened.callback(contacts.close)
            self._opened = opened.pop_all()
        mails = Mails(
            self.mailbox,
            suppressions,
            self.webhooks.announce,
            self.page,
            older=options.older,
            idempotency=options.idempotency,
            bodies=options.bodies,
        )
        self.routes = Routes(mails, contacts, suppressions)
        self.pages = Pages(self.mailbox, mails)

    @property
    def page(self) -> str:
        """The address of the page for people."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The base address of the API."""
        return f"{self.page}/v1"

    def start(self) -> Self:
        """Answer in a thread of its own, and leave the address where `running_at` finds it."""
        self._address.write_text(f"{self.url}\n", encoding="ascii")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.webhooks.start()
        return self

    def stop(self) -> None:
        """Finish what is being answered and give port and files back."""
        self.stopping.set()
        if self._thread:
            self._server.shutdown()
            self._thread.join()
        self.webhooks.stop()
        self._address.unlink(missing_ok=True)
        self._opened.close()

    def facts(self) -> dict[str, Any]:
        """What `GET /v1/simulator` tells, which AutoSend does not have."""
        facts = {"service": "newsletter-simulator", "idempotency": self.options.idempotency}
        return facts | {"accepted": len(self.mailbox), "webhooks": asdict(self.webhooks.tally)}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


def running_at(data: Path) -> str:
    """The `url` of the simulator that uses the folder `data`, empty where it is just coming or going."""
    try:
        return (data / _ADDRESS).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _listen(port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    try:
        return _Server(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise NewsletterError(
            f"port {port} on this machine cannot be used: {reason}", "name another with --port, or 0 for a free one"
        ) from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    simulator: Simulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the mailbox is the record."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names of the base class

    def _serve(self) -> None:
        self._standing = self.simulator.limit.look()
        body = self._body()
        if body is None:
            return
        address = urlsplit(self.path)
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in _HERE:
            self._json(failure(421, "only for this machine"))  # a web page must not read mail through a name it owns
        elif address.path == "/v1/simulator":
            self._json((200, self.simulator.facts()))
        elif address.path.startswith("/v1/"):
            key = self.headers.get("Idempotency-Key", "")
            self._call(Call(self.command, address.path.removeprefix("/v1"), body, key))
        else:
            self._page(address)

    def _body(self) -> bytes | None:
        """The body, or None where that was answered with an error."""
        length = self.headers.get("Content-Length", "0" if self.command in ("GET", "DELETE") else "")
        if length.isdecimal() and int(length) <= LARGEST_BODY:
            return self.rfile.read(int(length))
        self.close_connection = True
        known = length.isdecimal()
        self._json(failure(413, "the body is too large") if known else failure(411, "the body has no length"))
        return None

    def _call(self, call: Call) -> None:
        """Key, rate limit, latency and faults stand before every call."""
        options = self.simulator.options
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key or options.api_key not in (None, key):
            self._json(failure(401, "invalid API key"))
            return
        self._standing = self.simulator.limit.call(key)
        if self._standing.wait:
            self._json(failure(429, "rate limit exceeded", retryAfter=self._standing.wait))
            return
        if self.simulator.stopping.wait(options.latency_ms / 1000):
            self.close_connection = True
            return
        fault = self.simulator.faults.next() if call.is_mail else ""
        if fault in _DENIALS:
            denial = failure(int(fault), _DENIALS[fault])
            self._json(denial if fault != "429" else (429, denial[1] | {"retryAfter": 0.05}))
        elif fault in ("502", "reset", "stall"):
            self._break(fault)
        else:
            answer = self.simulator.routes.answer(call)
            self._json(answer) if not fault else self._break(fault, answer)

    def _break(self, fault: str, answer: Answer = (200, {})) -> None:
        self.close_connection = True
        if fault.startswith("502"):
            self._send(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html", {"Connection": "close"})
            return
        if fault.startswith("truncated"):
            body = json.dumps(answer[1]).encode()
            self._send(answer[0], body[: len(body) // 2], "application/json", length=len(body))
            return
        if fault.startswith("stall"):
            self.simulator.stopping.wait(_STALL)
        # Linger 0: the connection is reset, not closed (SO_LINGER, socket(7)).
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _page(self, address: SplitResult) -> None:
        page = self.simulator.pages.answer(self.command, address.path, address.query)
        if page is None:
            page = Page("<!doctype html><title>Not found</title><p>There is nothing here.", status=404)
        headers = {"Content-Security-Policy": page.policy, "X-Content-Type-Options": "nosniff"}
        kind = "text/html; charset=utf-8"
        self._send(page.status, page.html.encode("utf-8", "replace"), kind, {**headers, "Cache-Control": "no-store"})

    def _json(self, answer: Answer) -> None:
        status, value = answer
        self._send(status, json.dumps(value).encode(), "application/json", self._standing.headers)

    def _send(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        size = str(len(body) if length is None else length)
        for name, value in {"Content-Type": kind, "Content-Length": size, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
