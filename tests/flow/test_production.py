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
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

from flow.collector import Collector, collected
from flow.conftest import csv_of, submit
from flow.network import Host, Network, network, relayed
from s3_server import S3Server
from semblante.client import Client
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.broker import Broker
from semblante.stack.environment import PREFIX
from semblante.stack.stack import PROGRAM, embedded_stack

pytestmark = pytest.mark.flow
KEY = "a key of this test"
HERE = Host()


@pytest.fixture
def hosts() -> Iterator[Network]:
    """Return two hosts without a way to each other's loopback, or to a socket in a file."""
    with network(2) as found:
        yield found


@pytest.fixture
def collector(hosts: Network) -> Iterator[Collector]:
    with collected(hosts.address) as collector:
        yield collector


@pytest.fixture
def environment(
    settings: Settings,
    postgresql: str,
    broker: Broker,
    s3_server: S3Server,
    hosts: Network,
    collector: Collector,
    tmp_path: Path,
) -> Iterator[dict[str, str]]:
    """Return the variables of every role; secrets lie in files, as docker-compose.yml has them.

    The three services are reached by TCP at one address.
    """
    with psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True) as connection:
        name = f"production_{uuid4().hex}"
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    socket_folder = postgresql.rpartition("host=")[2]
    s3_address = urlsplit(s3_server.endpoint)
    with ExitStack() as relays:
        database, queue, s3 = (
            f"{hosts.address}:{relays.enter_context(relayed(hosts.address, target))}"
            for target in (
                Path(unquote(socket_folder)) / ".s.PGSQL.5432",
                broker.socket,
                (str(s3_address.hostname), int(s3_address.port or 0)),
            )
        )
        secrets = {
            "database_url": f"postgresql+psycopg://postgres@{database}/{name}",
            "broker_url": f"redis://{queue}/0",
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
        yield {
            **ours,
            **{f"{PREFIX}{secret.upper()}_FILE": str(folder / secret) for secret in secrets},
            "SEMBLANTE_STORAGE_URL": f"s3://production/{uuid4()}",
            "SEMBLANTE_S3_ENDPOINT": f"http://{s3}",
            "SEMBLANTE_PORT": str(port),
            "SEMBLANTE_SERVER": f"http://127.0.0.1:{port}",
            "SEMBLANTE_CHUNK_IMAGES": str(settings.chunk_images),
            "SEMBLANTE_BATCH_SIZE": str(settings.batch_size),
            "SEMBLANTE_COMPUTE_THREADS": "1",
            "SEMBLANTE_SWEEP_SECONDS": "0.5",
            "SEMBLANTE_LOG_FORMAT": "json",
            "SEMBLANTE_TELEMETRY": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{hosts.address}:{collector.server_port}",
        }


@contextmanager
def role(
    folder: Path, environment: dict[str, str], command: Sequence[str], host: Host = HERE
) -> Iterator[Path]:
    """Run one role on a host, in a folder of its own; yield its log."""
    folder.mkdir()
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*host.prefix, *PROGRAM, *command],
            cwd=folder,
            env={**environment, "SEMBLANTE_DATA": str(folder / "data"), "HOME": str(folder)},
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


def images_counted(address: str, port: int) -> float:
    """Return how many images the worker with these metrics has written."""
    text = httpx.get(f"http://{address}:{port}/metrics").text
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
    hosts: Network,
    collector: Collector,
    tmp_path: Path,
) -> None:
    with embedded_stack(settings, web=False, predict_worker=False) as stack:
        services = opened(stack.settings)
        expected = csv_of(services, submit(services, archive))
    metrics_ports = [free_port(), free_port()]
    subprocess.run([*PROGRAM, "migrate"], env=environment, check=True, cwd=tmp_path)
    with ExitStack() as roles:
        logs = []
        for name, port, host in zip(("first", "second"), metrics_ports, hosts.hosts, strict=True):
            metrics = {"SEMBLANTE_METRICS_PORT": str(port), "SEMBLANTE_METRICS_HOST": host.address}
            worker = role(tmp_path / name, environment | metrics, ["worker", "--name", name], host)
            logs.append(roles.enter_context(worker))
        roles.enter_context(role(tmp_path / "web", environment, ["web", "--processes", "2"]))
        wait_until_ready(environment["SEMBLANTE_SERVER"])
        with Client(environment["SEMBLANTE_SERVER"], api_key=KEY) as client:
            job = client.wait(client.submit(archive).id)
            client.download(job.id, tmp_path / "results.csv")
            client.delete(job.id)
        assert (tmp_path / "results.csv").read_bytes() == expected
        labelled = sum(
            images_counted(host.address, port)
            for host, port in zip(hosts.hosts, metrics_ports, strict=True)
        )
        assert labelled == job.counts.total
        headers = {"Authorization": f"Bearer {KEY}"}
        shown = httpx.get(f"{environment['SEMBLANTE_SERVER']}/metrics", headers=headers).text
        assert 'semblante_queue_messages{queue="classify"} 0.0' in shown
        for log in logs:
            assert '"chunk labelled"' in log.read_text(), "both workers take part"
    assert not list(tmp_path.glob("*/data/storage")), "nobody keeps bytes of his own"
    [trace] = [names for names in collector.traces.values() if "POST /api/v1/jobs" in names]
    assert trace.count("semblante.index") == trace.count("semblante.finish") == 1
    assert trace.count("semblante.classify") == trace.count("write") > 20
