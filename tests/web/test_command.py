"""`semblante web` as a process: it serves, keeps to its settings, and ends when told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
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


@pytest.mark.parametrize("kill", [False, True])
def test_it_serves_and_ends(services: Services, tmp_path: Path, kill: bool) -> None:
    port = free_port()
    broker = services.settings.broker_url or ""
    environment = os.environ | {"SEMBLANTE_BROKER_URL": broker, "HOME": str(tmp_path)}
    arguments = ["--port", str(port), "--data", str(services.settings.data)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "semblante", "web", *arguments],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_it_serves(f"http://127.0.0.1:{port}", process)
        ready = httpx.get(f"http://127.0.0.1:{port}/readyz")
        assert ready.json()["status"] == "ok"
        children = psutil.Process(process.pid).children()
        assert len(children) == 1
        (process.kill if kill else process.terminate)()
        assert process.wait(DEADLINE_SECONDS) == (-9 if kill else 0)
        # The worker dies with its parent, also after kill -9.
        assert psutil.wait_procs(children, timeout=DEADLINE_SECONDS)[1] == []
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / ".gunicorn").exists()


def test_an_open_address_without_a_key_is_refused() -> None:
    result = CliRunner().invoke(cli, ["web", "--host", "0.0.0.0"])
    assert result.exit_code == 2
    assert "[unsafe_binding]" in result.stderr
