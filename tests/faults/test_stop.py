"""What a worker does when it is told to end, and after the broker was away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from faults.kinds.processes import Signalled
from faults.servers import Servers
from faults.shape import Shape
from faults.site import QUICK, Site, running_site
from flow.conftest import csv_of, submit
from semblante.queue import Queue, make_app
from semblante.tables import Chunk

pytestmark = pytest.mark.flow


@pytest.fixture
def site(servers: Servers, tmp_path: Path) -> Iterator[Site]:
    with running_site(Shape("sqlite", "local", (1,)), QUICK, servers, tmp_path) as site:
        yield site


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def chunks(site: Site) -> list[Chunk]:
    with site.services.database.reading() as session:
        return list(session.scalars(select(Chunk).order_by(Chunk.first)))


def test_sigterm_gives_unfinished_chunks_back_at_once(
    site: Site, archive: Path, expected: bytes, tmp_path: Path
) -> None:
    job_id = submit(site.services, archive)
    until(lambda: bool(chunks(site)))
    hold = site.settings.data / "faults" / "hold"
    hold.touch()
    until(hold.with_name("held").exists)
    worker = site.pid("worker1")
    os.kill(worker, signal.SIGTERM)
    log = tmp_path / "logs" / "worker1.log"
    until(lambda: "Warm shutdown" in log.read_text())
    hold.unlink()
    until(lambda: "chunk given back" in log.read_text())
    until(lambda: site.supervisor.pid("worker1") != worker)
    states = [(chunk.state, chunk.attempts) for chunk in chunks(site)]
    assert set(states) <= {("done", 1), ("queued", 0)}
    assert ("queued", 0) in states
    assert csv_of(site.services, job_id) == expected


def test_the_sweep_goes_on_after_the_broker_died(
    site: Site, archive: Path, expected: bytes, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "worker1.log"

    def connects(times: int) -> None:
        until(lambda: log.read_text().count("Connected to") == times)
        with site.redis() as client:
            until(lambda: client.llen("control") == client.hlen("unacked") == 0)

    connects(1)  # and has begun to work: else the broker would keep the first message for long
    Signalled("broker killed", "broker").strike(site, Random(0))
    connects(2)
    nowhere = site.settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    without_messages = replace(site.services, queue=Queue(make_app(nowhere)))
    assert csv_of(site.services, submit(without_messages, archive)) == expected
