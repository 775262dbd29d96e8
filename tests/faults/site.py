"""A site under test: broker, workers and web as real processes, behind proxies that can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
from redis import Redis

from faults.proxy import Proxy, running
from faults.servers import Servers
from faults.shape import Shape
from semblante.migrations import upgrade
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante.stack.broker import Broker
from semblante.stack.component import Component
from semblante.stack.environment import child_environment
from semblante.stack.ready_file import ready_file
from semblante.stack.supervisor import Supervisor
from semblante.stack.web_ready import free_port, web_answers
from semblante.storage import open_storage

PROGRAM = (sys.executable, "-P", str(Path(__file__).with_name("program.py")))
DISK_MIB = 64
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Pace:
    """How quickly a site notices what was lost."""

    sweep_seconds: float
    lease_seconds: float


QUICK = Pace(sweep_seconds=0.5, lease_seconds=4.0)
SHIPPED = Pace(
    Settings.model_fields["sweep_seconds"].default, Settings.model_fields["lease_seconds"].default
)


@dataclass(frozen=True)
class Site:
    """Running processes, and what faults need to hurt them."""

    shape: Shape
    settings: Settings
    """Of the processes: they reach the services through the proxies."""
    services: Services
    """Of the test: these go around them."""
    supervisor: Supervisor
    broker: Broker
    proxies: dict[str, Proxy]
    servers: Servers
    workers: list[str]
    last: list[Callable[[], None]] = field(default_factory=list)
    """What ends faults that outlast their strike."""

    def pid(self, name: str) -> int:
        """Return the pid of a component, waiting for its next start."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (pid := self.supervisor.pid(name)) is None:
            assert time.monotonic() < deadline, f"{name} does not come back"
            time.sleep(0.01)
        return pid

    def children(self, worker: str) -> list[psutil.Process]:
        """Return the child processes of a worker, waiting until it has some."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if children := psutil.Process(self.pid(worker)).children():
                    return children
            except psutil.NoSuchProcess:
                pass
            assert time.monotonic() < deadline, f"{worker} has no child"
            time.sleep(0.01)

    def redis(self) -> Redis:
        """Return a client of the broker."""
        return Redis(unix_socket_path=str(self.broker.socket))

    def is_up(self) -> bool:
        """Whether every component runs, and the web answers."""
        names = [*self.workers, "web", "broker"]
        if any(self.supervisor.pid(name) is None for name in names):
            return False
        return all(self._is_ready(name) for name in self.workers) and web_answers(self.settings)

    def _is_ready(self, worker: str) -> bool:
        return ready_file(self.settings.data, worker).exists()


@contextmanager
def running_site(shape: Shape, pace: Pace, servers: Servers, folder: Path) -> Iterator[Site]:
    """Run a site whose files lie in `folder`, which must be empty."""
    with ExitStack() as last:
        data = folder / "data"
        data.mkdir()
        last.enter_context(small_disk(data))
        (data / "faults").mkdir()
        broker = Broker(data / "broker")
        last.callback(broker.leave)
        settings = Settings(
            data=data,
            port=0,
            model="resnet18-raf7-fast",
            chunk_images=25,
            batch_size=8,
            compute_threads=1,
            decode_threads=1,
            sweep_seconds=pace.sweep_seconds,
            lease_seconds=pace.lease_seconds,
            broker_url=broker.url,
        )
        settings, proxied, proxies = _connect(settings, shape, servers, broker, last)
        upgrade(settings.database)
        open_storage(settings).prepare()
        proxied = proxied.model_copy(update={"port": free_port(proxied)})
        workers = [f"worker{number}" for number in range(1, len(shape.children) + 1)]
        roles = [_worker(proxied, *one) for one in zip(workers, shape.children, strict=True)]
        supervisor = Supervisor(folder / "logs", [[broker.component()], [*roles, _web(proxied)]])
        services = open_services(settings)
        last.callback(services.database.dispose)
        last.callback(services.queue.app.close)
        last.enter_context(supervisor)
        yield Site(shape, proxied, services, supervisor, broker, proxies, servers, workers)


def _connect(
    settings: Settings, shape: Shape, servers: Servers, broker: Broker, last: ExitStack
) -> tuple[Settings, Settings, dict[str, Proxy]]:
    """Return the settings of the test, those of the processes, and the proxies between."""
    proxies = {"broker": last.enter_context(running(broker.socket))}
    direct: dict[str, object] = {}
    through: dict[str, object] = {"broker_url": f"redis://127.0.0.1:{proxies['broker'].port}/0"}
    if shape.database == "postgresql":
        server, name = servers.postgresql, servers.postgresql.make_database()
        proxies["database"] = last.enter_context(running(server.socket))
        direct["database_url"] = server.url(name)
        through["database_url"] = server.url(name, proxies["database"].port)
    if shape.storage == "s3":
        address = urlsplit(servers.s3.endpoint)
        target = (str(address.hostname), int(address.port or 80))
        proxies["storage"] = last.enter_context(running(target))
        direct |= servers.s3.setting(f"faults/{uuid4()}")
        through["s3_endpoint"] = f"http://127.0.0.1:{proxies['storage'].port}"
    settings = settings.model_copy(update=direct)
    return settings, settings.model_copy(update=through), proxies


def _environment(settings: Settings) -> dict[str, str]:
    temporary = settings.data.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    return {**child_environment(settings), "TMPDIR": str(temporary)}


def _worker(settings: Settings, name: str, children: int) -> Component:
    ready = ready_file(settings.data, name)
    ready.parent.mkdir(exist_ok=True)
    return Component(
        name=name,
        command=(
            *PROGRAM,
            "worker",
            "--name",
            name,
            "--queues",
            "control,classify",
            "--processes",
            str(children),
        ),
        ready=ready.exists,
        prepare=partial(ready.unlink, missing_ok=True),
        environment=_environment(settings),
        ready_seconds=120,
    )


def _web(settings: Settings) -> Component:
    return Component(
        name="web",
        command=(*PROGRAM, "web"),
        ready=partial(web_answers, settings),
        environment=_environment(settings),
    )


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a small file system of its own at `folder`, where this user may."""
    if not (sys.platform == "linux" and os.getuid() == 0):
        yield
        return
    size = f"size={DISK_MIB}m,mode=755"
    mount = ["mount", "-t", "tmpfs", "-o", size, "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield
        return
    try:
        yield
    except BaseException:  # for who looks into it
        shutil.copytree(folder, folder.with_name("kept"), ignore_dangling_symlinks=True)
        raise
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
