"""A server on loopback that speaks enough of Postmark's API (POST /email) to be posted to through Anymail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Postmark:
    """What it took, and the answers that it gives before it goes on to take (status, headers, body)."""

    url: str = ""
    token: str = ""
    mails: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], object]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def take(self, mail: dict[str, Any]) -> tuple[int, dict[str, str], object]:
        """The answer to a mail."""
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(mail)
        number = f"message-{len(self.mails)}"
        return 200, {}, {"ErrorCode": 0, "Message": "OK", "MessageID": number, "To": mail["To"]}


@contextmanager
def postmark(token: str) -> Iterator[Postmark]:
    """Such a server for as long as the `with` lasts."""
    state = Postmark(token=token)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            mail = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.tokens.append(self.headers.get("X-Postmark-Server-Token", ""))
            status, headers, told = state.take(mail)
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
