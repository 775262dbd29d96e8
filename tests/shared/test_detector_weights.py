"""The detector's weights: from a file or an address, never other bytes than the published ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from semblante.cli import cli
from semblante.detector_weights import (
    YUNET_BYTES,
    YUNET_FILE,
    install_yunet,
    read_yunet,
    yunet_path,
)
from semblante.errors import BundleError, Unavailable


@pytest.fixture
def published(shared_data: Path) -> Path:
    return shared_data / "weights" / YUNET_FILE


@contextmanager
def serving(content: bytes) -> Iterator[str]:
    """Serve `content` under /weights behind a redirect, as the published address does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"/": 302, "/weights": 200}.get(self.path, 404))
            self.send_header("Location", "/weights")
            self.send_header("Content-Length", str(len(content) if self.path == "/weights" else 0))
            self.end_headers()
            if self.path == "/weights":
                self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_they_are_downloaded_and_verified(tmp_path: Path, published: Path) -> None:
    assert read_yunet(tmp_path) is None
    with serving(published.read_bytes()) as address:
        path = install_yunet(tmp_path, address=f"{address}/")
    assert path == yunet_path(tmp_path)
    weights = read_yunet(tmp_path)
    assert weights == published.read_bytes()
    assert len(weights) == YUNET_BYTES


def test_other_bytes_are_refused_and_what_was_there_stays(tmp_path: Path, published: Path) -> None:
    install_yunet(tmp_path, published)
    with serving(b"x" * (YUNET_BYTES + 5)) as address:
        with pytest.raises(BundleError, match="not the published"):
            install_yunet(tmp_path, address=f"{address}/weights")
        with pytest.raises(Unavailable, match="--from FILE") as caught:
            install_yunet(tmp_path, address=f"{address}/missing")
    assert caught.value.code == "download_failed"
    assert read_yunet(tmp_path) == published.read_bytes()


def test_nobody_answers(tmp_path: Path) -> None:
    with serving(b"") as address:
        pass
    with pytest.raises(Unavailable) as caught:
        install_yunet(tmp_path, address=address)
    assert caught.value.code == "download_failed"


def test_the_command_takes_a_copy(tmp_path: Path, published: Path) -> None:
    arguments = ["models", "pull", "yunet", "--from", str(published), "--data", str(tmp_path)]
    run = CliRunner().invoke(cli, arguments)
    assert run.exit_code == 0, run.output
    assert str(yunet_path(tmp_path)) in run.output
    assert read_yunet(tmp_path) == published.read_bytes()
