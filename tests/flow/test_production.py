"""The production stack: each role a process of its own, which shares only three services."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from flow.conftest import csv_of, submit
from s3_server import S3Server
from semblante.client import Client
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.broker import Broker
from semblante.stack.environment import PREFIX
from semblante.stack.stack import PROGRAM, embedded_stack

pytestmark = pytest.mark.flow
KEY = "a key of this test"


@pytest.fixture
def environment(
    settings: Settings, postgresql: str, broker: Broker, s3_server: S3Server, tmp_path: Path
) -> dict[str, str]:
    """Return the variables of every role; secrets lie in files, as docker-compose.yml has them."""
    with psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True) as connection:
        name = f"production_{uuid4().hex}"
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    secrets = {
        "database_url": postgresql.replace("/postgres?", f"/{name}?"),
        "broker_url": broker.url,
        "api_key": KEY,
        "s3_access_key": s3_server.access_key,
        "s3_secret_key": s3_server.secret_key,
    }
    folder = tmp_path / "secrets"
    folder.mkdir()
    for secret, value in secrets.items():
        (folder / secret).write_text(f"{value}\n")
    port = free_port()
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {
        **ours,
        **{f"{PREFIX}{secret.upper()}_FILE": str(folder / secret) for secret in secrets},
        "SEMBLANTE_STORAGE_URL": f"s3://production/{uuid4()}",
        "SEMBLANTE_S3_ENDPOINT": s3_server.endpoint,
        "SEMBLANTE_PORT": str(port),
        "SEMBLANTE_SERVER": f"http://127.0.0.1:{port}",
        "SEMBLANTE_CHUNK_IMAGES": str(settings.chunk_images),
        "SEMBLANTE_BATCH_SIZE": str(settings.batch_size),
        "SEMBLANTE_COMPUTE_THREADS": "1",
        "SEMBLANTE_SWEEP_SECONDS": "0.5",
        "SEMBLANTE_LOG_FORMAT": "json",
    }


@contextmanager
def role(host: Path, environment: dict[str, str], command: Sequence[str]) -> Iterator[Path]:
    """Run one role in a folder of its own, as on a host of its own; yield its log."""
    host.mkdir()
    log = host / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*PROGRAM, *command],
            cwd=host,
            env={**environment, "SEMBLANTE_DATA": str(host / "data"), "HOME": str(host)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield log
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    assert process.returncode == 0, log.read_text()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def images_counted(port: int) -> float:
    """Return how many images the worker with this port of metrics has written."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'semblante_step_seconds_count{step="predict"}' in text
    assert "semblante_batch_faces_sum" in text
    lines = [line for line in text.splitlines() if line.startswith("semblante_images_total")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def wait_until_ready(server: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"{server}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the web is not ready"
        time.sleep(0.1)


def test_two_workers_that_share_no_folder_give_the_same_csv(
    environment: dict[str, str],
    settings: Settings,
    archive: Path,
    opened: Callable[[Settings], Services],
    tmp_path: Path,
) -> None:
    with embedded_stack(settings, web=False, predict_worker=False) as stack:
        services = opened(stack.settings)
        expected = csv_of(services, submit(services, archive))
    metrics_ports = [free_port(), free_port()]
    subprocess.run([*PROGRAM, "migrate"], env=environment, check=True, cwd=tmp_path)
    with ExitStack() as hosts:
        logs = []
        for name, port in zip(("first", "second"), metrics_ports, strict=True):
            variables = {**environment, "SEMBLANTE_METRICS_PORT": str(port)}
            command = ["worker", "--name", name]
            logs.append(hosts.enter_context(role(tmp_path / name, variables, command)))
        hosts.enter_context(role(tmp_path / "web", environment, ["web", "--processes", "2"]))
        wait_until_ready(environment["SEMBLANTE_SERVER"])
        with Client(environment["SEMBLANTE_SERVER"], api_key=KEY) as client:
            job = client.wait(client.submit(archive).id)
            client.download(job.id, tmp_path / "results.csv")
            client.delete(job.id)
        assert (tmp_path / "results.csv").read_bytes() == expected
        labelled = sum(images_counted(port) for port in metrics_ports)
        assert labelled == job.counts.total
        headers = {"Authorization": f"Bearer {KEY}"}
        shown = httpx.get(f"{environment['SEMBLANTE_SERVER']}/metrics", headers=headers).text
        assert 'semblante_queue_messages{queue="classify"} 0.0' in shown
        for log in logs:
            assert '"chunk labelled"' in log.read_text(), "both workers take part"
    assert not list(tmp_path.glob("*/data/storage")), "nobody keeps bytes of his own"
