from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from semblante.errors import Unavailable
from semblante.settings import Settings
from semblante.stack import web_ready
from semblante.stack.web_ready import free_port, web_answers


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        healthy = self.path == "/healthz" and self.headers["Host"] == "faces.example"
        self.send_response(200 if healthy else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def serving() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_healthy_web_answers(host: str) -> None:
    with serving() as port:
        settings = Settings(host=host, port=port, trusted_hosts=(".faces.example",))
        assert web_answers(settings)
        other = Settings(host=host, port=port, trusted_hosts=("other.example",))
        assert not web_answers(other)
    assert not web_answers(settings)


def test_free_port_is_found_and_kept() -> None:
    port = free_port(Settings(port=0))
    assert 1024 <= port <= 65535
    assert free_port(Settings(port=port)) == port


def test_taken_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_ready, "PORT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port}") as raised:
            free_port(Settings(port=port))
    assert raised.value.code == "component_failed"
    assert "--port" in raised.value.message
