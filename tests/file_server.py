"""A small HTTP server whose answers a test sets, by path: for what Semblante fetches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a path is answered; `body` may write to the connection itself."""

    body: bytes | Callable[[BufferedIOBase], None] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class FileServer:
    """The answers, and the requests that came (path, headers)."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.closing = threading.Event()
        """Set at the end: a body that waits for it never comes to its end before."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_args: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        files = self.server.files
        files.requests.append((self.path, dict(self.headers)))
        answer = files.answers.get(self.path, Answer(status=404))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if isinstance(answer.body, bytes):
            self.wfile.write(answer.body)
        else:
            answer.body(self.wfile)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    files: FileServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: clients that hang up are part of the tests."""


@contextmanager
def file_server() -> Iterator[FileServer]:
    """Run the server on a free port of 127.0.0.1."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.files = FileServer(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.files
        finally:
            server.files.closing.set()
            server.shutdown()
            thread.join()
