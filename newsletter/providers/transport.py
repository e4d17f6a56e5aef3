"""HTTP sessions for the adapters: no repeats of their own, no redirects, and an end even to an answer that drips."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from newsletter.delivery.protocol import Blocked, Outcome, Refused, Unknown

LONGEST_WAIT = 3600.0  # seconds


class Patient(io.RawIOBase):
    """What a socket receives, for `seconds` from the last `begin` and no longer.

    A socket's own time-out is about each piece: a server that sends a byte now and then would never reach it.
    """

    def __init__(self, sock: socket.socket, seconds: float | None) -> None:
        self._sock, self._seconds = sock, seconds
        self._raw = sock.makefile("rb", buffering=0)
        self.begin()

    def begin(self) -> None:
        """An answer is awaited from now on."""
        self._until = time.monotonic() + self._seconds if self._seconds else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *words: Any, **more: Any) -> None:
        super().__init__(sock, *words, **more)
        self.fp.close()
        self.fp = io.BufferedReader(Patient(sock, sock.gettimeout()))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SafeConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SafePool(HTTPSConnectionPool):
    ConnectionCls = _SafeConnection


class Once(HTTPAdapter):
    """Makes a call once, and gives its whole answer the time that `requests` gives each piece of it."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *words: Any, **more: Any) -> None:
        """Pools whose connections keep the time."""
        super().init_poolmanager(*words, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SafePool}


def harden(session: requests.Session, url: str) -> requests.Session:
    """Let a session make each call once, within its time, and without a proxy to what is on this machine."""
    session.mount("https://", Once())
    session.mount("http://", Once())
    # A proxy meant for the world must not see what goes to this machine.
    session.trust_env = urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1")
    return session


def failure_of(error: requests.RequestException) -> Outcome:
    """What it means that there was no answer: before the first byte nothing was taken; after it nobody knows."""
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return Blocked("the provider answered with a redirect, which is not followed", "check its address")
    if isinstance(error, requests.exceptions.SSLError):
        return Blocked("the provider's certificate is not trusted", "check the clock, the proxy and base_url")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Blocked("the provider's address is none to post to", "check [provider] base_url")
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    unconnected = isinstance(reason, NewConnectionError | ConnectTimeoutError)
    if unconnected or isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return Refused("the provider cannot be reached")
    if isinstance(error, requests.exceptions.ReadTimeout):
        return Unknown("the provider did not answer in time")
    return Unknown("the connection broke before the answer")


def seconds_of(value: object) -> float | None:
    """The seconds that a provider asks to wait, an hour at most; None for what is no number of them."""
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return min(seconds, LONGEST_WAIT) if 0 <= seconds < float("inf") else None
