"""Spans for OpenTelemetry; unless a process has started them, nothing of it is even imported.

A trace begins with the request that creates a job. Messages carry it in their headers, and each
task of the job is a child of that request: a chunk is none of the chunk whose end has sent it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from semblante.errors import Unavailable
from semblante.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Tracer

PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
STOP_MILLISECONDS = 5000


@dataclass(frozen=True)
class Telemetry:
    """What a process with spans keeps."""

    provider: TracerProvider
    tracer: Tracer


_telemetry: Telemetry | None = None
_sender: ContextVar[Context | None] = ContextVar("sender", default=None)
"""The trace that the message at hand came with."""


def start_telemetry(service: str, processor: SpanProcessor | None = None) -> None:
    """Make spans from now on: in the process that works, as the thread that sends them forks badly.

    Args:
        service: The name of this kind of process, unless OTEL_SERVICE_NAME gives another.
        processor: Takes the spans; without it they are sent by OTLP over HTTP, in batches and
            beside the work, to where OpenTelemetry's variables say.
    """
    global _telemetry
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = {} if "OTEL_SERVICE_NAME" in os.environ else {SERVICE_NAME: service}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(processor or _sending())
    _telemetry = Telemetry(provider, provider.get_tracer("semblante"))


def check_telemetry(settings: Settings) -> None:
    """Check that spans can be made where the settings ask for them.

    Raises:
        Unavailable: `component_missing`.
    """
    if not settings.telemetry:
        return
    try:
        missing = [name for name in PACKAGES if find_spec(name) is None]
    except ModuleNotFoundError:  # of a package above it
        missing = list(PACKAGES)
    if missing:
        raise Unavailable(
            "component_missing",
            "SEMBLANTE_TELEMETRY needs OpenTelemetry: install the extra `telemetry` of "
            "semblante-web and semblante-worker, or turn it off.",
        )


def _sending() -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter())


def stop_telemetry(**_: Any) -> None:
    """Send what is left and make no more spans; takes what a Celery signal passes."""
    global _telemetry
    if _telemetry is not None:
        _telemetry.provider.force_flush(STOP_MILLISECONDS)
        _telemetry.provider.shutdown()
        _telemetry = None


def tracer_provider() -> TracerProvider | None:
    """Return what libraries make their spans with; None where there are none."""
    return None if _telemetry is None else _telemetry.provider


@contextmanager
def span(name: str, **facts: str | int) -> Iterator[None]:
    """Make the block a span, with `facts` as its attributes `semblante.*`."""
    if _telemetry is None:
        yield
        return
    attributes = {f"semblante.{fact}": value for fact, value in facts.items()}
    with _telemetry.tracer.start_as_current_span(name, attributes=attributes):
        yield


@contextmanager
def message_span(
    name: str, headers: Mapping[str, Any] | None, **facts: str | int
) -> Iterator[None]:
    """Make the block, which handles a message, a span of the trace that its headers carry."""
    if _telemetry is None:
        yield
        return
    from opentelemetry import context, propagate, trace

    sent = propagate.extract(headers or {})
    is_traced = trace.get_current_span(sent).get_span_context().is_valid
    kept = _sender.set(sent if is_traced else None)
    token = context.attach(sent)
    try:
        with span(name, **facts):
            yield
    finally:
        context.detach(token)
        _sender.reset(kept)


def carried() -> dict[str, str]:
    """Return the headers by which a message carries the trace at hand; none where there is none."""
    headers: dict[str, str] = {}
    if _telemetry is not None:
        from opentelemetry import propagate

        propagate.inject(headers, context=_sender.get())
    return headers
