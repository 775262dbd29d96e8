"""A receiver of webhooks, as a lab would run one: it keeps what comes, and answers as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came (headers, body), and the statuses of the next answers; 200 after them."""

    url: str = ""
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    came: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_args: Any) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.received.append((dict(self.headers), body))
        self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.end_headers()
        receiver.came.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run it on a free port of 127.0.0.1."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook?lab=1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.receiver
        finally:
            server.shutdown()
            thread.join()
