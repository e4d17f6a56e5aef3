"""Signed webhooks to a program on this machine: four attempts each, from one thread that stops with the simulator."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import hmac
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from newsletter.errors import UsageError
from newsletter.simulator.suppressions import now

WAITS = (5.0, 10.0, 20.0)  # seconds before the second, third and fourth attempt
_TIMEOUT = 10.0  # seconds for one attempt


@dataclass(order=True)
class _Delivery:
    """One event on its way; ordered by when it is due, then by age."""

    due: float
    number: int
    event: str = field(compare=False)
    body: bytes = field(compare=False)
    delivery_id: str = field(compare=False, default_factory=lambda: uuid4().hex)
    attempts: int = field(compare=False, default=0)


@dataclass
class Tally:
    """How many events were taken by the receiver, given up after four attempts, and still wait."""

    delivered: int = 0
    failed: int = 0
    waiting: int = 0


class Webhooks:
    """Posts events to `url`; an empty `url` posts nothing. `pace` scales the waits between attempts.

    Raises UsageError where `url` is not on this machine: the simulator never calls anyone else.
    """

    def __init__(self, url: str, secret: str, *, older: bool = False, pace: float = 1.0) -> None:
        self.tally = Tally()
        self._address = _loopback(url) if url else None
        if url and not secret:
            raise UsageError("webhooks are signed: the secret is missing", "set it, and name it: --webhook-secret NAME")
        self._secret = secret.encode()
        self._older = older
        self._pace = pace
        self._number = 0
        self._due: list[_Delivery] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._connection: HTTPConnection | None = None
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to deliver what is announced."""
        if self._address:
            self._thread.start()

    def stop(self) -> None:
        """Stop at once: an attempt on its way is broken off, what still waits is dropped."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
            if self._connection and self._connection.sock:
                with contextlib.suppress(OSError):
                    self._connection.sock.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join()

    def announce(self, event: str, data: dict[str, Any]) -> None:
        """Deliver `event` as soon as possible."""
        if not self._address:
            return
        names = ("event", "timestamp") if self._older else ("type", "createdAt")
        body = json.dumps({names[0]: event, names[1]: now(), "data": data}).encode()
        with self._changed:
            self._number += 1
            heapq.heappush(self._due, _Delivery(time.monotonic(), self._number, event, body))
            self.tally.waiting += 1
            self._changed.notify()

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            taken = self._attempt(delivery)
            with self._changed:
                delivery.attempts += 1
                if not taken and delivery.attempts <= len(WAITS):
                    delivery.due = time.monotonic() + WAITS[delivery.attempts - 1] * self._pace
                    heapq.heappush(self._due, delivery)
                    continue
                self.tally.waiting -= 1
                self.tally.delivered += taken
                self.tally.failed += not taken

    def _next(self) -> _Delivery | None:
        """The delivery that is due, once one is; None when the simulator stops."""
        with self._changed:
            while not self._stopping:
                if self._due and self._due[0].due <= time.monotonic():
                    return heapq.heappop(self._due)
                self._changed.wait(self._due[0].due - time.monotonic() if self._due else None)
            return None

    def _attempt(self, delivery: _Delivery) -> bool:
        """Whether the receiver answered with a 2xx in time; redirects are not followed."""
        assert self._address is not None and self._address.hostname is not None  # noqa: S101 - else never started
        target = self._address.path or "/"
        connection = HTTPConnection(self._address.hostname, self._address.port or 80, timeout=_TIMEOUT)
        with self._changed:
            self._connection = connection
        try:
            query = f"?{self._address.query}" if self._address.query else ""
            connection.request("POST", target + query, delivery.body, self._headers(delivery))
            return 200 <= connection.getresponse().status < 300
        except (OSError, HTTPException):
            return False
        finally:
            with self._changed:
                self._connection = None
            connection.close()

    def _headers(self, delivery: _Delivery) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "newsletter-simulator",
            "X-Webhook-Signature": hmac.new(self._secret, delivery.body, hashlib.sha256).hexdigest(),
            "X-Webhook-Event": delivery.event,
            "X-Webhook-Delivery-Id": delivery.delivery_id,
            "X-Webhook-Timestamp": str(time.time_ns() // 1_000_000),
        }


def _loopback(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = host == "localhost" or ip_address(host).is_loopback
        valid = parts.scheme == "http" and (parts.port or 80) > 0
    except ValueError:
        local = valid = False
    if not local or not valid:
        raise UsageError(
            f'--webhook: "{url}" is not an address on this machine; the simulator calls no other',
            "such as http://127.0.0.1:8000/webhooks/autosend",
        )
    return parts
