"""A server that is none of AutoSend's: what it says is never believed, and the key goes nowhere else."""

from __future__ import annotations

import contextlib
import gzip
import resource
import threading
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
