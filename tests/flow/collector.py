"""A collector of OpenTelemetry's spans over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector(ThreadingHTTPServer):
    """Keeps the names of spans by their trace."""

    def __init__(self, address: str) -> None:
        self.traces: dict[bytes, list[str]] = {}
        super().__init__((address, 0), CollectorHandler)


class CollectorHandler(BaseHTTPRequestHandler):
    """Takes `POST /v1/traces`."""

    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.server.traces.setdefault(span.trace_id, []).append(span.name)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name)
        pass


@contextmanager
def collected(address: str) -> Iterator[Collector]:
    """Run a collector on a free port of `address`."""
    with Collector(address) as collector:
        thread = Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()
