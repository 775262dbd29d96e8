"""Sending from the first page: paused and resumed, cut off and resumed, by a URL, with a note."""

from __future__ import annotations

import io
import ipaddress
import random
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from factory import jpeg, zip_bytes
from file_server import Answer, file_server
from flow.visit import Visit
from semblante import jobs, uploads
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]
LONG_MS = 60_000
PAYLOAD = 6_000_000
SLOW = 2_000_000
"""Bytes per second of a slow line: slow enough to be stopped on the way."""


@pytest.fixture(scope="module")
def stack_settings() -> Settings:
    return Settings(
        compute_threads=1,
        url_networks=(ipaddress.ip_network("127.0.0.1/32"),),
    )


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive that a slow line takes some seconds for."""
    path = tmp_path_factory.mktemp("large") / "large.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("face.jpg", jpeg())
        archive.writestr("filling.bin", random.Random(3).randbytes(PAYLOAD))
    return path


def slow_down(page: Page, bytes_per_second: int) -> None:
    """Limit what the page sends; -1 ends the limit."""
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {**conditions, "uploadThroughput": bytes_per_second},
    )


def crash(page: Page) -> None:
    """End the page's process; a page that is closed may send on at full speed first."""
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")
    page.close()


def job_of(page: Page) -> str:
    page.wait_for_url(re.compile("/jobs/[0-9a-f-]{36}$"), timeout=LONG_MS)
    expect(page.get_by_role("link", name="Download CSV English")).to_be_visible(timeout=LONG_MS)
    return page.url.rpartition("/")[2]


def send_the_rest(page: Page, files: Path | list[Path]) -> str:
    """Choose what another page began to send; return the job's id once it is labelled."""
    page.set_input_files("#files", files)
    with page.expect_request(lambda request: request.method == "PATCH") as patch:
        page.click("#send")
    assert int(patch.value.headers["upload-offset"]) > 0
    return job_of(page)


def stored(services: Services, job_id: str) -> bytes:
    """Return the bytes of the job's upload."""
    with services.database.reading() as session:
        upload = uploads.get(session, jobs.get(session, job_id).upload_id)
        return b"".join(services.storage.blocks(upload.storage_key))


def test_sending_pauses_and_goes_on(
    visit: Visit, stack: Stack, large: Path, opened: Callable[[Settings], Services]
) -> None:
    page = visit.page
    page.goto("/")
    slow_down(page, SLOW)
    page.set_input_files("#files", large)
    page.get_by_label("Note").fill("from the north camera")
    page.click("#send")
    expect(page.locator("#sending-percent")).to_have_text(re.compile(r"^[1-9]\d?%$"))
    expect(page.locator("#sending-text")).to_contain_text("/s")
    visit.shoot("sending")
    page.click("#pause")
    expect(page.locator("#sending-text")).to_contain_text("Paused at")
    slow_down(page, -1)
    page.get_by_role("button", name="Resume").click()
    job_id = job_of(page)
    expect(page.locator("main")).to_contain_text("from the north camera")
    assert stored(opened(stack.settings), job_id) == large.read_bytes()
    page.goto("/jobs?text=NORTH")
    expect(page.locator(".job-item")).to_have_count(1)


def test_packed_images_pause_and_go_on(visit: Visit, tmp_path: Path) -> None:
    for number in range(3):
        noise = random.Random(number).randbytes(PAYLOAD // 3)
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(60 * number) + noise)
    page = visit.page
    page.goto("/")
    slow_down(page, SLOW)
    page.set_input_files("#files", sorted(tmp_path.glob("*.jpg")))
    page.click("#send")
    expect(page.locator("#sending-percent")).to_have_text(re.compile(r"^[1-9]\d?%$"))
    page.click("#pause")
    expect(page.locator("#sending-text")).to_contain_text("Paused at")
    slow_down(page, -1)
    page.get_by_role("button", name="Resume").click()
    job_of(page)
    expect(page.locator("main")).to_contain_text("3 / 3")


def test_a_page_that_went_away_goes_on_where_it_stopped(
    browser: Browser, stack: Stack, large: Path, opened: Callable[[Settings], Services]
) -> None:
    context = browser.new_context(base_url=stack.url, locale="en-GB")
    page = context.new_page()
    page.goto("/")
    slow_down(page, SLOW // 4)  # the rest must take longer than a busy machine closes a page
    page.set_input_files("#files", large)
    page.click("#send")
    expect(page.locator("#sending-percent")).to_have_text(re.compile(r"^[2-9]\d%$"))
    crash(page)

    visit = Visit(context, stack.url)
    page = visit.page
    page.goto("/")
    expect(page.locator("#unfinished")).to_contain_text("large.zip was not sent completely")
    job_id = send_the_rest(page, large)
    assert stored(opened(stack.settings), job_id) == large.read_bytes()
    page.goto("/")
    expect(page.locator("#unfinished")).to_be_hidden()
    assert visit.complaints == []
    context.close()


def test_packed_images_of_a_page_that_went_away_go_on(
    browser: Browser, stack: Stack, tmp_path: Path, opened: Callable[[Settings], Services]
) -> None:
    """The same images make the same zip: a later page sends what the server does not have yet."""
    for number in range(40):
        noise = random.Random(number).randbytes(PAYLOAD // 6)
        (tmp_path / f"{number:02}.jpg").write_bytes(jpeg(number) + noise)
    images = sorted(tmp_path.glob("*.jpg"))
    context = browser.new_context(base_url=stack.url, locale="en-GB")
    page = context.new_page()
    page.goto("/")
    slow_down(page, 5 * SLOW)
    page.set_input_files("#files", images)
    page.click("#send")
    # A part of 16 MiB is whole on the server, and the next is on its way.
    expect(page.locator("#sending-percent")).to_have_text(re.compile(r"^(4[3-9]|[5-9]\d)%$"))
    slow_down(page, SLOW // 4)
    crash(page)

    visit = Visit(context, stack.url)
    page = visit.page
    page.goto("/")
    expect(page.locator("#unfinished")).to_contain_text("40 images (images.zip) were not sent")
    job_id = send_the_rest(page, images)
    expect(page.locator("main")).to_contain_text("40 / 40")
    with zipfile.ZipFile(io.BytesIO(stored(opened(stack.settings), job_id))) as archive:
        assert archive.testzip() is None
        sent = {name: archive.read(name) for name in archive.namelist()}
    assert sent == {path.name: path.read_bytes() for path in images}
    page.goto("/")
    expect(page.locator("#unfinished")).to_be_hidden()
    assert visit.complaints == []
    context.close()


def test_a_url_becomes_a_job_and_a_wrong_one_says_why(visit: Visit) -> None:
    page = visit.page
    with file_server() as server:
        archive = zip_bytes({"a.jpg": jpeg()})
        server.answers["/faces.zip"] = Answer(archive, headers={"Content-Type": "application/zip"})
        page.goto("/?lang=es")
        page.get_by_label("Nota").fill("por dirección")
        page.fill("#url", f"{server.url}/none.zip")
        page.click("#send")
        expect(page.locator("#problem")).to_contain_text("La URL no se puede")
        visit.complaints.clear()  # the browser itself reports the answer 400
        page.goto("/?lang=en")
        page.fill("#url", f"{server.url}/faces.zip")
        page.click("#send")
        job_of(page)
    expect(page.get_by_role("heading", name="faces.zip")).to_be_visible()


def test_what_cannot_be_sent_is_said_before(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    page.goto("/")
    page.click("#send")
    expect(page.locator("#problem")).to_contain_text("Choose at least one image")
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "a.jpg").write_bytes(jpeg())
    for names, problem in (
        (["notes.txt"], "no image or archive"),
        (["empty.zip"], "This file is empty: empty.zip"),
        (["empty.zip", "a.jpg"], "one archive at a time"),
    ):
        page.set_input_files("#files", [tmp_path / name for name in names])
        expect(page.locator("#problem")).to_contain_text(problem)
    page.set_input_files("#files", [tmp_path / name for name in ("a.jpg", "notes.txt")])
    expect(page.locator("#selection")).to_contain_text("left out: 1 other file")
    visit.shoot("selection")


def test_files_are_dropped(visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    data = page.evaluate_handle(
        """() => {
          const transfer = new DataTransfer();
          for (const name of ["a.jpg", "b.png"]) transfer.items.add(new File(["x"], name));
          return transfer;
        }"""
    )
    page.dispatch_event("#drop-zone", "dragover", {"dataTransfer": data})
    expect(page.locator("#drop-zone")).to_have_class(re.compile("is-over"))
    page.dispatch_event("#drop-zone", "drop", {"dataTransfer": data})
    expect(page.locator("#selection")).to_contain_text("2 images")
