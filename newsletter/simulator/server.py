"""The HTTP side of the simulator: `/v1` for programs, `/` for people. Loopback only, standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from newsletter.errors import NewsletterError
from newsletter.simulator import pages
from newsletter.simulator.api import fill, problems
from newsletter.simulator.faults import parse_faults
from newsletter.simulator.mailbox import Mailbox

LARGEST_BODY = 50 * 1024 * 1024  # bytes; 40 MiB of attachments and some room
_STALL = 30.0  # seconds without an answer, or until the simulator stops


@dataclass(frozen=True)
class SimulatorOptions:
    """How the simulator behaves. `rate` is requests a second and key, 0 for no limit; `api_key` None takes any key."""

    data: Path
    port: int = 0
    api_key: str | None = None
    rate: float = 2.0
    latency_ms: int = 0
    faults: str = ""
    idempotency: bool = True
    bodies: str = "full"  # or "template": keep the values, not each reader's HTML (for many thousand readers)


class Simulator:
    """A running simulator; `url` is what `[provider] base_url` would be. A context manager that stops it."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.faults = parse_faults(options.faults)
        self.mailbox = Mailbox(options.data)
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.recent: dict[str, deque[float]] = {}
        self._thread: threading.Thread | None = None
        handler = type("Handler", (_Handler,), {"simulator": self})
        try:
            self._server = _Server(("127.0.0.1", options.port), handler)
        except OSError as error:
            self.mailbox.close()
            raise NewsletterError(
                f"port {options.port} on this machine cannot be used: {error.strerror}", "name another with --port"
            ) from None

    @property
    def page(self) -> str:
        """The address of the page for people."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The base address of the API."""
        return f"{self.page}/v1"

    def start(self) -> Self:
        """Answer in a thread of its own."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish what is being answered and give port and file back."""
        self.stopping.set()
        if self._thread:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.mailbox.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


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
        path = urlsplit(self.path).path
        if path == "/v1/simulator":
            options = self.simulator.options
            facts = {"service": "newsletter-simulator", "idempotency": options.idempotency}
            self._json(200, facts | {"accepted": len(self.simulator.mailbox)})
        elif path.startswith("/v1/mails/") and path.endswith("/status"):
            self._guarded(lambda: self._status(path.split("/")[3]))
        elif not path.startswith("/v1"):
            self._page(path)
        else:
            self._error(404, "not found")

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._error(413 if length.isdigit() else 411, "the body is too large or has no length")
            return
        body = self.rfile.read(int(length))
        if path not in ("/v1/mails/send", "/v1/mails/bulk"):
            self._error(404, "not found")
            return
        self._guarded(lambda: self._mail(body, bulk=path.endswith("bulk")))

    def _guarded(self, answer: Callable[[], None]) -> None:
        """Key, rate limit, latency and faults stand before every call."""
        options = self.simulator.options
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key or options.api_key not in (None, key):
            self._error(401, "invalid API key")
            return
        wait = self._wait(key)
        if wait:
            self._error(429, "rate limit exceeded", retry_after=wait)
            return
        if self.simulator.stopping.wait(options.latency_ms / 1000):
            return
        answer()

    def _wait(self, key: str) -> float:
        """Seconds until the key may call again, 0 if it may now: a sliding window of one second."""
        rate = self.simulator.options.rate
        if not rate:
            return 0.0
        with self.simulator.lock:
            calls, now = self.simulator.recent.setdefault(key, deque()), time.monotonic()
            while calls and calls[0] <= now - 1:
                calls.popleft()
            if len(calls) >= max(1, rate):
                return round(calls[0] + 1 - now, 3)
            calls.append(now)
            return 0.0

    def _mail(self, body: bytes, *, bulk: bool) -> None:
        fault = self.simulator.faults.next()
        if fault in ("429", "500"):
            self._error(int(fault), "simulated fault", retry_after=0.05 if fault == "429" else None)
        elif fault in ("502", "reset", "stall"):
            self._break(fault)
        else:
            status, answer = self._take(body, bulk=bulk)
            if fault:
                self._break(fault)
            else:
                self._json(status, answer)

    def _take(self, body: bytes, *, bulk: bool) -> tuple[int, dict[str, Any]]:
        try:
            mail = json.loads(body)
        except ValueError:
            mail = None
        if not isinstance(mail, dict):
            return 400, _failure("the body is no JSON object")
        if found := problems(mail, bulk=bulk):
            return 400, _failure("validation failed", found)
        key, digest = self.headers.get("Idempotency-Key", ""), hashlib.sha256(body).hexdigest()
        with self.simulator.lock:
            if not self.simulator.options.idempotency:
                key = ""
            if key and (known := self.simulator.mailbox.answer_to(key)):
                return (200, known[1]) if known[0] == digest else (409, _failure("the key was used for another body"))
            emails, answer = _emails(mail, digest, self.simulator, bulk=bulk)
            try:
                self.simulator.mailbox.take(emails, key, digest, answer)
            except OSError as error:
                return 500, _failure(f"the simulator cannot write: {error.strerror}")
        return 200, answer

    def _break(self, fault: str) -> None:
        self.close_connection = True
        if fault.startswith("502"):
            self._send(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")
            return
        if fault.startswith("stall"):
            self.simulator.stopping.wait(_STALL)
        # Linger 0: the connection is reset, not closed (SO_LINGER, socket(7)).
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _status(self, email_id: str) -> None:
        if self.simulator.mailbox.find(email_id) is None:
            self._error(404, "no such email")
        else:
            self._json(200, {"success": True, "data": {"emailId": email_id, "status": "delivered"}})

    def _page(self, path: str) -> None:
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in ("127.0.0.1", "localhost"):
            self._error(403, "only for this machine")  # a page of the web must not read mail through a name it owns
            return
        found = pages.page(self.simulator.mailbox, path)
        if found is None:
            self._send(404, b"not found", "text/plain")
        else:
            self._send(200, found.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": pages.POLICY})

    def _error(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        self._json(status, _failure(message) | ({} if retry_after is None else {"retryAfter": retry_after}))

    def _json(self, status: int, value: dict[str, Any]) -> None:
        rate = self.simulator.options.rate or 1_000_000
        limits = {"X-RateLimit-Limit": f"{rate:g}", "X-RateLimit-Reset": str(int(time.time()) + 1)}
        limits["X-RateLimit-Remaining"] = "0" if status == 429 else f"{max(rate - 1, 0):g}"
        self._send(status, json.dumps(value, ensure_ascii=False).encode(), "application/json", limits)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _failure(message: str, details: list[dict[str, str]] | None = None) -> dict[str, Any]:
    error = {"message": message, "code": message.upper().replace(" ", "_")[:40], "details": details or []}
    return {"success": False, "error": error}


def _emails(
    mail: dict[str, Any], digest: str, simulator: Simulator, *, bulk: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The emails that a valid call makes, and its answer."""
    count = len(simulator.mailbox)
    call = hashlib.sha256(f"{digest} {count} {time.time_ns()}".encode()).hexdigest()[:24]
    emails = []
    for number, to in enumerate(mail["recipients"] if bulk else [mail["to"]]):
        values = {**mail.get("dynamicData", {}), **to.get("dynamicData", {})}
        email: dict[str, Any] = {
            "emailId": f"{call}-{number}",
            "batchId": call,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        email |= {"to": {"email": to["email"], "name": to.get("name", "")}, "from": mail["from"], "dynamicData": values}
        email |= {"subject": fill(mail.get("subject", ""), values)}
        if simulator.options.bodies == "full":
            email |= {part: fill(mail.get(part, ""), values) for part in ("html", "text")}
            email |= {"headers": {name: fill(value, values) for name, value in mail.get("headers", {}).items()}}
            email |= {"replyTo": mail.get("replyTo")}
        emails.append(email)
    if not bulk:
        data = {"emailId": emails[0]["emailId"], "message": "Email queued successfully.", "totalRecipients": 1}
        return emails, {"success": True, "data": data}
    data = {"batchId": call, "totalRecipients": len(emails), "successCount": len(emails), "failedCount": 0}
    return emails, {"success": True, "data": data}
