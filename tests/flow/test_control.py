"""Pause, resume, cancel, retry and delete over HTTP while real workers run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from flow.conftest import csv_of, stored_files, submit, wait_until
from semblante.client import Client
from semblante.errors import Conflict, NotFound
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import Stack, embedded_stack
from semblante.tables import Chunk, EmotionCount, Image, Job, Result, Upload

pytestmark = pytest.mark.flow


@pytest.fixture
def stack(settings: Settings) -> Iterator[Stack]:
    with embedded_stack(settings, web=True, predict_worker=False) as stack:
        yield stack


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.url) as client:
        yield client


def until(reached: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_pause_and_resume_lose_nothing(
    stack: Stack, client: Client, archive: Path, opened: Callable[[Settings], Services]
) -> None:
    services = opened(stack.settings)
    calm = csv_of(services, submit(services, archive))
    job_id = submit(services, archive)
    wait_until(services, job_id, lambda job: job.ok > 0)
    assert client.pause(job_id).paused
    leased = select(func.count()).where(Chunk.job_id == job_id, Chunk.state == "leased")

    def rests() -> bool:
        with services.database.reading() as session:
            return session.scalar(leased) == 0

    until(rests)
    resting = client.job(job_id)
    assert (resting.state, resting.paused) == ("in_progress", True)
    assert resting.counts.finished < resting.counts.total
    assert not client.resume(job_id).paused
    assert csv_of(services, job_id) == calm


def test_cancel_stops_within_a_chunk_and_delete_leaves_nothing(
    stack: Stack, client: Client, archive: Path, opened: Callable[[Settings], Services]
) -> None:
    services = opened(stack.settings)
    job_id = client.submit(archive).id
    wait_until(services, job_id, lambda job: job.ok > 0)
    finished = client.cancel(job_id).counts.finished
    until(lambda: client.job(job_id).state == "cancelled")
    per_chunk = stack.settings.chunk_images
    assert client.job(job_id).counts.finished <= finished + per_chunk
    with pytest.raises(Conflict):
        client.resume(job_id)
    client.delete(job_id)
    with pytest.raises(NotFound):
        client.job(job_id)
    with services.database.reading() as session:
        for table in (Result, Chunk, Image, EmotionCount, Job, Upload):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    assert stored_files(stack.settings.data) == []


def test_retry_runs_the_failed_image_again_and_no_other(
    stack: Stack, client: Client, archive: Path, tmp_path: Path
) -> None:
    job = client.wait(client.submit(archive).id)
    assert (job.state, job.outcome, job.counts.failed) == ("completed", "partial", 1)
    client.download(job.id, tmp_path / "first.csv")
    assert client.retry(job.id).state == "in_progress"
    again = client.wait(job.id)
    assert again.counts == job.counts
    client.download(job.id, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()
