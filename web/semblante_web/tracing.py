"""A span for each request, where this process makes spans; see docs/operations.md."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from semblante.telemetry import tracer_provider

UNTRACED = "healthz,readyz,metrics,static/"
"""Paths that are asked for all the time and tell nothing."""


def trace_requests(app: Flask) -> None:
    """Make each request of `app` a span, child of what its `traceparent` header names."""
    provider = tracer_provider()
    if provider is None:
        return
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    trace: Callable[..., None] = FlaskInstrumentor().instrument_app
    trace(app, tracer_provider=provider, excluded_urls=UNTRACED)
