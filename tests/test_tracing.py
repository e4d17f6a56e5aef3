"""What OpenTelemetry is told of a broadcast: broadcast, batch, call; nothing unless somebody asks; no secret."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from newsletter.clock import SystemClock
from newsletter.config import DeliveryConfig
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job
from newsletter.delivery.planning import create_broadcast
from newsletter.delivery.protocol import Accepted, Message, Outcome, Post, Recipient, Refused
from newsletter.store.database import Store, open_store
from newsletter.store.tables import editions, subscribers
from newsletter.tracing import OpenTelemetry, Tracer, Untraced, open_tracer

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@dataclass
class Moody:
    """A provider that refuses its first call and takes the others."""

    calls: int = 0
    name: str = "moody"
    account: str = "moody"
    largest_batch: int = 100
    honours_keys: bool = True

    def prepare(self, message: Message) -> Post:
        return partial(self._post, message)

    def _post(self, message: Message, recipients: Sequence[Recipient], key: str) -> Outcome:
        self.calls += 1
        return Refused("come back") if self.calls == 1 else Accepted(key)


def broadcast(store: Store, tracer: Tracer) -> None:
    """25 readers in batches of 10, over threads."""
    with store.transaction() as connection:
        rows = [
            {"email": f"r{n}@reader.example", "email_key": f"r{n}@reader.example", "state": "active"}
            | {"created_at": NOW, "changed_at": NOW}
            for n in range(25)
        ]
        connection.execute(insert(subscribers), rows)
        connection.execute(insert(editions), {"digest": "d", "slug": "a", "content": "{}", "created_at": NOW})
        number = create_broadcast(connection, slug="a", digest="d", segment="", provider="moody", now=NOW, slot=None)
    provider = Moody()
    settings = DeliveryConfig(batch_size=10, requests_per_second=1000, backoff=timedelta(milliseconds=1))
    job = Job("d", provider.prepare(Message("t@t.example", "s", "h", "t")), lambda _: {})
    Broadcaster(store, provider, settings, SystemClock(), tracer=tracer).run(number, job)


def test_a_broadcast_has_its_batches_and_each_batch_its_call(tmp_path: Path) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    store = open_store("", tmp_path)
    broadcast(store, OpenTelemetry(provider.get_tracer("test")))
    store.close()
    spans: Sequence[Any] = memory.get_finished_spans()
    by_name = {name: [span for span in spans if span.name == name] for name in ("broadcast", "batch", "call")}
    assert [len(found) for found in by_name.values()] == [1, 4, 4]
    (root,) = by_name["broadcast"]
    assert {span.parent.span_id for span in by_name["batch"]} == {root.context.span_id}
    assert {span.parent.span_id for span in by_name["call"]} == {span.context.span_id for span in by_name["batch"]}
    assert sorted(span.attributes["newsletter.readers"] for span in by_name["batch"]) == [5, 10, 10, 10]
    outcomes = sorted(span.attributes["newsletter.outcome"] for span in by_name["call"])
    assert outcomes == ["accepted", "accepted", "accepted", "refused"]
    assert not any("reader.example" in str(span.attributes) for span in spans)


def test_an_exception_is_told_by_its_type_only(tmp_path: Path) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with (
        pytest.raises(RuntimeError),
        OpenTelemetry(provider.get_tracer("test")).span("call"),
    ):
        raise RuntimeError("with AS_canary_0123")
    (span,) = memory.get_finished_spans()
    assert (span.status.description, span.events) == ("RuntimeError", ())


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_unless_somebody_asks(environment: dict[str, str]) -> None:
    with open_tracer(environment) as tracer:
        assert isinstance(tracer, Untraced)


def test_who_asks_gets_the_spans_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    try:
        with open_tracer({"OTEL_EXPORTER_OTLP_ENDPOINT": url}) as tracer, tracer.span("broadcast", broadcast=7):
            pass
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [path for path, _ in got] == ["/v1/traces"]
    assert b"newsletter.broadcast" in got[0][1]
