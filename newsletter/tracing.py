"""Traces of broadcast, batch and call for OpenTelemetry (the extra `otel`); without it, and unless asked, nothing.

Asked is by the variables that OpenTelemetry itself defines (its specification, "Environment Variable Specification").
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

_ASKS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Span(Protocol):
    """A piece of work that takes time."""

    def note(self, **facts: object) -> None:
        """Say more of it, when it is known."""
        ...


class Tracer(Protocol):
    """Whoever writes down what work was done when."""

    def span(self, name: str, within: Span | None = None, **facts: object) -> AbstractContextManager[Span]:
        """A piece of work for as long as the `with` lasts, part of `within`; may be begun in any thread."""
        ...


class Untraced:
    """Writes nothing down."""

    @contextlib.contextmanager
    def span(self, name: str, within: Span | None = None, **facts: object) -> Iterator[Span]:  # noqa: ARG002
        """Nothing but the `with`."""
        yield UNTRACED_SPAN


class _Nothing:
    def note(self, **facts: object) -> None:
        pass


UNTRACED_SPAN: Span = _Nothing()


class OpenTelemetry:
    """Writes to a tracer of OpenTelemetry; no global provider is set or asked."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer

    @contextlib.contextmanager
    def span(self, name: str, within: Span | None = None, **facts: object) -> Iterator[Span]:
        """A span whose exceptions are told by their type: their words may be of anybody."""
        from opentelemetry import trace

        parent = trace.set_span_in_context(within.inner) if isinstance(within, _Written) else None
        inner = self._tracer.start_span(name, context=parent)
        written = _Written(inner)
        written.note(**facts)
        try:
            yield written
        except BaseException as error:
            inner.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            inner.end()


class _Written:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def note(self, **facts: object) -> None:
        for name, value in facts.items():
            plain = value if isinstance(value, bool | int | float) else str(value)
            self.inner.set_attribute(f"newsletter.{name}", plain)


@contextlib.contextmanager
def open_tracer(environment: Mapping[str, str]) -> Iterator[Tracer]:
    """The tracer that the variables `OTEL_…` ask for, and its last spans sent at the end.

    Raises ModuleNotFoundError where they ask for one and the extra is not installed.
    """
    asked = any(environment.get(name) for name in _ASKS) and environment.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
    if not asked or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield Untraced()
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(
        resource=Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME", "newsletter")})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield OpenTelemetry(provider.get_tracer("newsletter"))
    finally:
        provider.shutdown()
