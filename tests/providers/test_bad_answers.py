"""A server that is none of AutoSend's: what it says is never believed, and the key goes nowhere else."""

from __future__ import annotations

import contextlib
import gzip
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from contract import MESSAGE, SECRET, reader

from newsletter.delivery.protocol import Blocked, Outcome, Refused, Unknown
from newsletter.providers.autosend import AutoSend


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The address of a server that gives the same answer to everything, and the headers that it was sent."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(dict(self.headers.items()))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the client had enough
                self.wfile.write(body)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(url: str) -> Outcome:
    return AutoSend(url, SECRET, timeouts=(5, 20)).prepare(MESSAGE)([reader(1)], "key-1")


@pytest.mark.parametrize(
    ("status", "kind"), [(200, Unknown), (201, Unknown), (204, Unknown), (500, Unknown), (404, Blocked), (429, Refused)]
)
def test_an_answer_in_html_is_never_a_yes(status: int, kind: type) -> None:
    page = b"<html>success: true</html>" if status != 204 else b""
    with answering(status, {"Content-Type": "text/html"}, page) as (url, _):
        assert type(post(url)) is kind


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed_and_the_key_stays(status: int) -> None:
    with answering(200, {}, b'{"success": true, "data": {}}') as (other, seen):
        elsewhere = other.replace("127.0.0.1", "localhost") + "/mails/bulk"
        with answering(status, {"Location": elsewhere}, b"") as (url, first):
            assert isinstance(post(url), Blocked)
        assert (len(first), seen) == (1, [])


def test_a_gzip_bomb_does_not_fill_the_memory() -> None:
    bomb = gzip.compress(b" " * 300_000_000, compresslevel=9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with answering(200, {"Content-Encoding": "gzip"}, bomb) as (url, _):
        assert isinstance(post(url), Unknown)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB


def test_an_answer_that_is_no_gzip_though_it_says_so_is_unknown() -> None:
    with answering(200, {"Content-Encoding": "gzip"}, b"no gzip") as (url, _):
        assert isinstance(post(url), Unknown)


def test_an_answer_as_deep_as_a_well_is_unknown() -> None:
    with answering(200, {}, b"[" * 200_000) as (url, _):
        assert isinstance(post(url), Unknown)


@contextmanager
def dripping(head: bytes) -> Iterator[tuple[str, threading.Event]]:
    """A server that sends `head`, then a letter every now and then; and whether the client had enough of it."""
    gone = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.recv(65536)
            client.sendall(head)
            for _ in range(400):
                time.sleep(0.05)
                client.sendall(b"x")
            return
        gone.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", gone
    finally:
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"]
)
def test_an_answer_that_drips_has_an_end(head: bytes) -> None:
    with dripping(head) as (url, gone):
        assert isinstance(AutoSend(url, SECRET, timeouts=(5, 0.4)).prepare(MESSAGE)([reader(1)], "key-1"), Unknown)
    assert gone.is_set()  # we left long before the server had said all
