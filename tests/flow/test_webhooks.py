"""A webhook from the field on the page to the receiver, through real processes and Chromium."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect
from standardwebhooks.webhooks import Webhook

from factory import jpeg, zip_bytes
from flow.visit import Visit, dark_phone_in_spanish
from receiver import Receiver, receiver
from semblante.client import Client
from semblante.settings import Settings
from semblante.stack.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]
LONG_MS = 120_000


@pytest.fixture(scope="module")
def stack_settings() -> Settings:
    return Settings(
        compute_threads=1,
        sweep_seconds=0.5,
        url_networks=(ip_network("127.0.0.0/8"),),
        webhook_retries=(0.1, 0.1),
    )


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def test_the_end_of_a_job_is_told(
    visit: Visit, browser: Browser, stack: Stack, hook: Receiver, tmp_path: Path
) -> None:
    hook.statuses = [503]
    (tmp_path / "faces.zip").write_bytes(zip_bytes({"a.jpg": jpeg(size=(64, 64))}))
    page = visit.page
    page.goto("/")
    page.set_input_files("#files", tmp_path / "faces.zip")
    page.fill("#webhook", hook.url)
    visit.shoot("upload-webhook")
    page.click("#send")
    page.wait_for_url("**/jobs/*", timeout=LONG_MS)
    expect(page.locator("main")).to_contain_text("Delivered", timeout=LONG_MS)
    visit.shoot("job-webhook")
    assert len(hook.received) == 2
    page.get_by_role("link", name="Signing secret").click()
    secret = page.input_value("#secret")
    visit.shoot("webhooks")
    for headers, body in hook.received:
        assert Webhook(secret).verify(body, headers)["type"] == "job.completed"
    with Client(stack.url) as client:
        [job] = client.jobs()
        [event] = client.webhook_events(job.id)
    assert [attempt["status"] for attempt in event["attempts"]] == [503, 200]
    _shoot_on_a_dark_phone(browser, stack, [f"/jobs/{job.id}", "/webhooks", "/"])


def test_the_receiver_of_the_documentation(stack: Stack, tmp_path: Path) -> None:
    """It is started as the page says; it takes what is signed, and nothing else."""
    (tmp_path / "faces.zip").write_bytes(zip_bytes({"a.jpg": jpeg(size=(64, 64))}))
    page = Path(__file__).parents[2] / "docs" / "webhooks.md"
    [code] = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "receiver.py").write_text(code)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Client(stack.url) as client:
        environment = {**os.environ, "WEBHOOK_SECRET": client.webhook_secret()}
        with subprocess.Popen(
            [sys.executable, "receiver.py", str(port)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                url = f"http://127.0.0.1:{port}/"
                transport = httpx.HTTPTransport(retries=8)  # with growing pauses, until it listens
                with httpx.Client(transport=transport) as forger:
                    assert forger.post(url, content=b"{}").status_code == 400
                job = client.submit(tmp_path / "faces.zip", webhook=url)
                assert process.stdout is not None
                assert process.stdout.readline() == f"job.completed {job.id}\n"
            finally:
                process.terminate()


def _shoot_on_a_dark_phone(browser: Browser, stack: Stack, addresses: list[str]) -> None:
    context = dark_phone_in_spanish(browser, stack.url)
    visit = Visit(context, stack.url)
    for number, address in enumerate(addresses):
        visit.page.goto(address)
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
        visit.shoot(f"webhook-phone-{number}")
    assert visit.complaints == []
    context.close()
