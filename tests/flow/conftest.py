"""Fixtures of the flow tests: real processes, and an archive large enough to be interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from flow.visit import Visit, chromium
from noisy_archive import write_archive
from semblante import jobs, uploads
from semblante.default_model import choose
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante.stack.stack import Stack, embedded_stack
from semblante.tables import Job


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a zip of noisy pictures, one broken, with names that need care."""
    path = tmp_path_factory.mktemp("archive") / "faces.zip"
    write_archive(path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a real Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def stack_settings() -> Settings:
    """Return the settings of the module's stack, which a module replaces by its own."""
    return Settings()


@pytest.fixture(scope="module")
def stack(stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the whole system in a folder of its own for the module."""
    data = tmp_path_factory.mktemp("stack") / "data"
    settings = stack_settings.model_copy(update={"data": data, "port": 0})
    with embedded_stack(settings, web=True, predict_worker=True) as stack:
        yield stack


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Visit]:
    """Open a page on the module's stack, which must not complain."""
    context = browser.new_context(
        base_url=stack.url, viewport={"width": 1280, "height": 900}, locale="en-GB"
    )
    visit = Visit(context, stack.url)
    yield visit
    assert visit.complaints == []
    context.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a stack with small chunks, a quick sweep and a free port."""
    return Settings(
        data=tmp_path / "data",
        port=0,
        chunk_images=25,
        batch_size=8,
        sweep_seconds=0.5,
        compute_threads=1,
    )


@pytest.fixture
def opened() -> Iterator[Callable[[Settings], Services]]:
    """Return a function that opens services, and close them at the end."""
    all_services: list[Services] = []

    def opens(settings: Settings) -> Services:
        all_services.append(open_services(settings))
        return all_services[-1]

    yield opens
    for services in all_services:
        services.queue.app.close()
        services.database.dispose()


def submit(services: Services, path: Path) -> str:
    """Create a job over the archive at `path`, as `semblante label` does; return its id."""
    with services.database.writing() as session:
        upload = uploads.begin(session, path.name, path.stat().st_size)
        services.storage.adopt(upload.storage_key, path)
        uploads.finish(upload, upload.size_bytes)
        session.flush()
        model = jobs.ModelOfJob.of(choose(session, services.settings))
        return jobs.create(session, services.queue, upload, model).id


def wait_until(
    services: Services, job_id: str, reached: Callable[[Job], bool], seconds: float = 120
) -> Job:
    """Return the job as soon as `reached(job)`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        with services.database.reading() as session:
            job = jobs.get(session, job_id)
        if reached(job):
            return job
        if time.monotonic() > deadline:
            pytest.fail(f"job stayed {job.state} with {job.ok} of {job.total} images")
        time.sleep(0.02)


def csv_of(services: Services, job_id: str) -> bytes:
    """Wait for the end of a job and return its CSV."""
    job = wait_until(services, job_id, lambda job: job.state in ("completed", "failed"))
    assert job.state == "completed", job.error_detail
    assert job.total == job.ok + job.no_face + job.failed
    return b"".join(services.storage.blocks(f"{jobs.results_folder(job_id)}/results.csv"))


def stored_files(data: Path) -> list[str]:
    """Return the names of the files in the storage, without the mark of whose it is."""
    files = [path.name for path in (data / "storage").rglob("*") if path.is_file()]
    return [name for name in files if name != "owner"]
