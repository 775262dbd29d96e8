"""`semblante web` as a process: it serves, keeps to its settings, and ends when told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from click.testing import CliRunner

from semblante.cli import cli
from semblante.services import Services

DEADLINE_SECONDS = 30


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_it_serves(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            if httpx.get(f"{address}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the web did not serve in time")


@contextmanager
def served(services: Services, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run the web with the data of `services`; give its address and its process."""
    port = free_port()
    broker = services.settings.broker_url or ""
    environment = os.environ | {"SEMBLANTE_BROKER_URL": broker, "HOME": str(folder)}
    arguments = ["--port", str(port), "--data", str(services.settings.data)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "semblante", "web", *arguments],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_it_serves(address, process)
        yield address, process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_serves_and_ends(services: Services, tmp_path: Path, how: signal.Signals) -> None:
    with served(services, tmp_path) as (address, process):
        ready = httpx.get(f"{address}/readyz")
        assert ready.json()["checks"]["database"] == "ok"
        refused = {"file": ("a.jpg", b"x" * 1_000_000)}
        with httpx.Client(base_url=f"{address}/api/v1") as client:  # one connection for both
            for _ in range(2):
                answer = client.post("/predict?no=such", files=refused)
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        children = psutil.Process(process.pid).children()
        assert len(children) == 1
        process.send_signal(how)
        assert process.wait(DEADLINE_SECONDS) == (-9 if how == signal.SIGKILL else 0)
        # The worker dies with its parent, also after kill -9.
        assert psutil.wait_procs(children, timeout=DEADLINE_SECONDS)[1] == []
    assert not (tmp_path / ".gunicorn").exists()


def test_an_open_address_without_a_key_is_refused() -> None:
    result = CliRunner().invoke(cli, ["web", "--host", "0.0.0.0"])
    assert result.exit_code == 2
    assert "[unsafe_binding]" in result.stderr
