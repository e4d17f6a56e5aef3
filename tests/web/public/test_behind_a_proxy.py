"""The public pages behind a reverse proxy under a path: links, limits, and whose word is believed."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_served import wait
from visiting import link_in

from newsletter.publication import find_publication
from newsletter.store.database import open_store
from newsletter.web.public import serving

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Proxy(BaseHTTPRequestHandler):
    """What nginx and Caddy do: pass a request on, and add whom it came from to X-Forwarded-For."""

    behind = 0  # the port of the pages
    strips = False  # whether `/letters` is taken away

    def do_GET(self) -> None:
        path = self.path.removeprefix("/letters") if self.strips else self.path
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        client = self.headers.get("X-Client", "127.0.0.1")  # tests say which network they come from
        said = self.headers.get("X-Forwarded-For")
        headers = {"X-Forwarded-For": f"{said}, {client}" if said else client, "X-Forwarded-Proto": "https"}
        kept = ("Host", "Content-Type", "X-Forwarded-Host")
        headers |= {name: self.headers[name] for name in kept if name in self.headers}
        inner = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=10)
        inner.request(self.command, path, body, headers)
        answer = inner.getresponse()
        content = answer.read()
        inner.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "date", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def proxied(folder: Path, strips: bool, trusted: Sequence[str]) -> Iterator[int]:
    """Pages at `/letters` behind a proxy: the proxy's port."""
    listener = serving.listen("127.0.0.1", 0)
    handler = type("Here", (Proxy,), {"behind": listener.getsockname()[1], "strips": strips})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threads = [threading.Thread(target=proxy.serve_forever, args=(0.02,))]
        with _pages(folder, f"http://127.0.0.1:{proxy.server_port}/letters", listener, trusted):
            threads[0].start()
            try:
                yield proxy.server_port
            finally:
                proxy.shutdown()
                threads[0].join()


@contextmanager
def _pages(folder: Path, base: str, listener: socket.socket, trusted: Sequence[str]) -> Iterator[None]:
    from datetime import UTC, datetime

    from newsletter.providers.outbox import Outbox

    (folder / "issues").mkdir()
    toml = f'[publication]\nname = "P"\nbase_url = "{base}"\nsender = "T <t@t.example>"\n[provider]\nname = "outbox"\n'
    (folder / "newsletter.toml").write_text(toml)
    publication = find_publication(folder, folder)
    store = open_store("", publication.state)
    stops: list[Any] = []
    provider = Outbox(publication.state / "outbox")
    with serving.open_doors(publication, store, provider, lambda: datetime.now(UTC), print) as (house, _):
        thread = threading.Thread(target=serving.serve, args=(house, listener, print, trusted, stops.append))
        thread.start()
        wait(lambda: bool(stops))
        try:
            yield
        finally:
            stops[0]()
            thread.join()
    store.close()


def ask(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body or None, FORM | {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


@pytest.mark.parametrize("strips", [False, True])
def test_a_reader_joins_through_a_proxy_that_keeps_or_takes_away_the_path(tmp_path: Path, strips: bool) -> None:
    with proxied(tmp_path, strips, ("127.0.0.1",)) as port:
        status, page, headers = ask(port, "GET", "/letters/", Host="evil.example", X_Forwarded_Host="evil.example")
        assert status == 200
        assert 'action="/letters/subscribe"' in page
        assert "evil" not in page + str(headers)
        assert ask(port, "POST", "/letters/subscribe", "email=dee%40new.example")[0] == 200
        outbox = tmp_path / ".newsletter" / "outbox"
        wait(lambda: bool(list(outbox.glob("*/*.eml"))))
        link = link_in(next(outbox.glob("*/*.eml")).read_text(), f"http://127.0.0.1:{port}/letters")
        assert ask(port, "POST", f"/letters{link}")[0] == 200


def test_a_limit_counts_the_reader_and_not_the_proxy_nor_what_the_reader_says(tmp_path: Path) -> None:
    with proxied(tmp_path, False, ("127.0.0.1",)) as port:

        def statuses(**headers: str) -> list[int]:
            path, body = "/letters/subscribe", "email=dee%40new.example"
            lies = [{"X_Forwarded_For": f"198.51.100.{n}"} if "lie" in headers else {} for n in range(11)]
            client = headers["client"]
            return [ask(port, "POST", path, body, X_Client=client, **lie)[0] for lie in lies]

        assert statuses(client="203.0.113.1") == [200] * 10 + [429]
        assert statuses(client="203.0.113.2", lie="") == [200] * 10 + [429]
        assert statuses(client="2001:db8::1") == [200] * 10 + [429]
        assert statuses(client="2001:db8::2") == [429] * 11  # the same customer of a network


def test_nobody_is_believed_where_no_proxy_is_trusted(tmp_path: Path) -> None:
    with proxied(tmp_path, False, ()) as port:
        asked = [
            ask(port, "POST", "/letters/subscribe", "email=x%40y.example", X_Client=f"203.0.113.{n}")[0]
            for n in range(11)
        ]
        assert asked == [200] * 10 + [429]
