"""The operator in a real Chromium: a real worker is drained and goes on, all jobs pause, keys."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from flow.conftest import csv_of, submit, wait_until
from flow.visit import Visit
from semblante import chunks, workers
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]
LONG_MS = 60_000


@pytest.fixture(scope="module")
def stack_settings() -> Settings:
    return Settings(
        chunk_images=25,
        batch_size=8,
        sweep_seconds=0.5,
        compute_threads=1,
        worker_processes=1,
    )


def test_a_drained_worker_rests_and_all_jobs_pause(
    visit: Visit, stack: Stack, archive: Path, opened: Callable[[Settings], Services]
) -> None:
    services = opened(stack.settings)
    page = visit.page
    page.goto("/operator")
    batch = page.locator(".worker", has_text="classify")
    expect(batch).to_contain_text("Waiting", timeout=LONG_MS)
    expect(batch).to_contain_text("1 process", timeout=LONG_MS)
    expect(page.locator(".worker")).to_have_count(2)

    batch.get_by_role("button", name=re.compile("Drain")).click()
    expect(batch).to_contain_text("Drained")
    (name,) = _names(services, "classify")
    wait_until_consuming(services, name, False)
    job_id = submit(services, archive)
    page.reload()
    expect(page.locator("main")).to_contain_text("Reading the upload")
    page.get_by_role("button", name="Pause all jobs").click()
    expect(page.locator("main")).to_contain_text("All jobs are paused")
    batch.get_by_role("button", name=re.compile("Take work again")).click()
    # It indexes the archive, but begins no chunk.
    wait_until(services, job_id, lambda job: job.state == "in_progress")
    page.goto(f"/jobs/{job_id}")
    expect(page.locator("main")).to_contain_text("paused by the operator")
    with services.database.reading() as session:
        assert chunks.count(session, job_id, "done", "leased") == 0
    page.goto("/operator")
    visit.shoot("operator")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("main")).to_contain_text("Workers take work")
    csv_of(services, job_id)


def test_a_key_is_made_shown_once_and_revoked(visit: Visit) -> None:
    page = visit.page
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/operator")
    page.get_by_role("link", name="Keys").click()
    page.get_by_label("Name").fill("root")
    page.get_by_role("button", name="Create").click()
    token = page.locator("#token").input_value()
    expect(page.locator("main")).to_contain_text("From now on, this server asks everybody")
    page.goto("/keys")
    page.get_by_label("API key").fill(token)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Name").fill("lab")
    page.get_by_label("It may").select_option("read")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#token")).to_have_value(re.compile("^semblante_"))
    visit.shoot("keys")
    page.locator("tr", has_text="lab").get_by_role("button", name="Revoke").click()
    expect(page.locator("tr", has_text="lab")).to_contain_text("Revoked")
    expect(page.locator("#token")).to_have_count(0)
    page.get_by_role("link", name="Audit log").click()
    expect(page.locator("main")).to_contain_text("revoked a key")


def _names(services: Services, queue: str) -> list[str]:
    with services.database.reading() as session:
        return [row.name for row in workers.list_all(session) if queue in row.queues]


def wait_until_consuming(services: Services, name: str, wanted: bool) -> None:
    """Return as soon as the worker called `name` takes messages, or no longer does."""
    inspect = services.queue.app.control.inspect([name], timeout=1)
    deadline = time.monotonic() + LONG_MS / 1000
    while time.monotonic() < deadline:
        answer = inspect.active_queues()
        if answer is not None and bool(answer[name]) == wanted:
            return
    pytest.fail(f"{name} did not follow")
