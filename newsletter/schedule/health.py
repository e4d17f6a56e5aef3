"""`GET /health` on loopback: whether the scheduler still makes its passes; `GET /metrics`: numbers for Prometheus."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from newsletter.errors import NewsletterError, UsageError

TEXT = "text/plain; version=0.0.4; charset=utf-8"  # prometheus.io/docs/instrumenting/exposition_formats
_STALE = 180.0  # seconds without a pass, while none is running: something is wrong


@dataclass
class Health:
    """What the process last did. The time is a monotonic one, so that a clock that is set does no harm."""

    line: str = ""
    error: str = ""
    running: bool = False
    ended: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """A pass begins; it may take as long as a broadcast does."""
        self.running = True

    def end(self, line: str, error: str = "") -> None:
        """A pass has ended."""
        self.line, self.error, self.running, self.ended = line, error, False, time.monotonic()

    def as_json(self) -> dict[str, object]:
        """`ok`, how long ago the last pass ended, what it said."""
        age = time.monotonic() - self.ended
        ok = not self.error and (self.running or age < _STALE)
        return {"ok": ok, "running": self.running, "seconds_since_pass": round(age), "line": self.error or self.line}


@contextmanager
def serving(health: Health, port: int, metrics: Callable[[], str] | None = None) -> Iterator[int]:
    """Answer on 127.0.0.1 at `port` (0: a free one) for as long as the `with` lasts; gives the port.

    200 where all is well, 503 where not. `metrics` is what `/metrics` says. Raises UsageError where the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics" and metrics is not None:
                self._numbers(metrics)
                return
            known = self.path in ("/", "/health")
            facts = health.as_json() if known else {"ok": False, "line": "GET /health"}
            self._answer(404 if not known else 200 if facts["ok"] else 503, "application/json", json.dumps(facts))

        def _numbers(self, count: Callable[[], str]) -> None:
            try:
                self._answer(200, TEXT, count())
            except NewsletterError as error:
                self._answer(503, TEXT, f"# {error.message}\n")

        def _answer(self, status: int, kind: str, words: str) -> None:
            body = words.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise UsageError(f"--health-port {port}: {error.strerror}", "name a port that is free") from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
