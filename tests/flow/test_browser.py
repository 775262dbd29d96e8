"""The pages in a real Chromium: upload, watch, download, as a person does; in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from factory import jpeg
from flow.conftest import csv_of
from flow.visit import Visit, screenshot
from noisy_archive import IMAGES
from semblante.bundles import shipped_bundle
from semblante.cli.label_input import describe_input
from semblante.cli.local_job import start_job
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]
LONG_MS = 120_000


@pytest.fixture(scope="module")
def stack_settings() -> Settings:
    return Settings(
        chunk_images=25,
        batch_size=8,
        compute_threads=1,
    )


def test_an_archive_goes_in_and_the_same_csv_comes_out(
    visit: Visit, stack: Stack, archive: Path, opened: Callable[[Settings], Services]
) -> None:
    services = opened(stack.settings)
    given = describe_input([archive])
    bundle = shipped_bundle("resnet18-raf7")
    by_command = csv_of(services, start_job(services, given, bundle, "en", lambda _: None))

    page = visit.page
    page.goto("/")
    visit.shoot("upload")
    page.set_input_files("#files", archive)
    page.click("#send")
    page.wait_for_url("**/jobs/*", timeout=LONG_MS)
    download_link = page.get_by_role("link", name="Download CSV English")
    expect(download_link).to_be_visible(timeout=LONG_MS)
    expect(page.locator("main")).to_contain_text(f"{IMAGES + 1:,}")
    expect(page.locator("main img").first).to_be_visible()
    with page.expect_download() as download:
        download_link.click()
    assert Path(download.value.path()).read_bytes() == by_command
    visit.shoot("job")
    page.goto("/jobs")
    expect(page.locator("main")).to_contain_text("faces.zip")
    visit.shoot("jobs")


def test_several_images_are_packed_in_the_browser(visit: Visit, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"cara {number}.jpg").write_bytes(jpeg(60 * number, (64, 64)))
    page = visit.page
    page.goto("/")
    page.set_input_files("#files", sorted(tmp_path.glob("*.jpg")))
    page.click("#send")
    page.wait_for_url("**/jobs/*", timeout=LONG_MS)
    expect(page.get_by_role("link", name="Download CSV English")).to_be_visible(timeout=LONG_MS)
    expect(page.locator("main")).to_contain_text("cara 2.jpg")


def test_a_failed_job_says_why(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    page = visit.page
    page.goto("/")
    page.set_input_files("#files", tmp_path / "text.zip")
    page.click("#send")
    page.wait_for_url("**/jobs/*", timeout=LONG_MS)
    expect(page.locator("main")).to_contain_text("not_an_archive", timeout=LONG_MS)
    visit.shoot("job-failed")


def test_files_are_not_sent_again_when_the_options_were_refused(
    visit: Visit, tmp_path: Path
) -> None:
    (tmp_path / "face.jpg").write_bytes(jpeg(128, (96, 96)))
    page = visit.page
    uploads: list[str] = []
    page.on("request", lambda one: uploads.append(one.method) if "/uploads" in one.url else None)
    page.goto("/")
    page.set_input_files("#files", tmp_path / "face.jpg")
    page.fill("#webhook", "http://10.0.0.1/")
    page.click("#send")
    expect(page.locator("#problem")).to_contain_text("no public internet address")
    sent = len(uploads)
    page.fill("#webhook", "")
    page.click("#send")
    page.wait_for_url("**/jobs/*", timeout=LONG_MS)
    assert (sent > 0, len(uploads)) == (True, sent)
    visit.complaints.clear()  # Chromium tells of the refusal


def test_one_image_gets_its_answer_without_a_reload(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(jpeg(128, (96, 96)))
    page = visit.page
    page.goto("/predict")
    page.evaluate("window.sameDocument = true")
    page.set_input_files("#image", tmp_path / "face.jpg")
    expect(page.locator("#preview")).to_be_visible()
    page.click("#predict-send")
    expect(page.locator("#faces")).to_contain_text("%", timeout=LONG_MS)
    expect(page.locator("#faces")).to_contain_text("Happiness")
    assert page.evaluate("window.sameDocument") is True
    visit.shoot("predict")


def test_the_pages_speak_spanish_on_a_phone(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(
        base_url=stack.url,
        viewport={"width": 390, "height": 844},
        locale="es-ES",
        color_scheme="dark",
    )
    visit = Visit(context, stack.url)
    for path, word in (("/", "Enviar"), ("/jobs", "Trabajos"), ("/models", "Modelos")):
        visit.page.goto(path)
        expect(visit.page.locator("body")).to_contain_text(word)
        assert visit.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    visit.shoot("models-phone-spanish")
    assert visit.complaints == []
    context.close()


@pytest.fixture
def plain(browser: Browser, stack: Stack) -> Iterator[Page]:
    """Return a page without JavaScript."""
    context = browser.new_context(base_url=stack.url, java_script_enabled=False, locale="en-GB")
    yield context.new_page()
    context.close()


def test_without_javascript_a_job_goes_from_the_form_to_its_csv(
    plain: Page, tmp_path: Path
) -> None:
    (tmp_path / "face.jpg").write_bytes(jpeg(90, (64, 64)))
    plain.goto("/")
    plain.set_input_files("#files", tmp_path / "face.jpg")
    plain.get_by_label("Note").fill("by hand")
    plain.click("#send")
    plain.wait_for_url("**/jobs/*", timeout=LONG_MS)
    expect(plain.locator("main")).to_contain_text("face.jpg")
    expect(plain.locator("main")).to_contain_text("by hand")
    link = plain.get_by_role("link", name="Download CSV English")
    expect(link).to_be_visible(timeout=LONG_MS)  # the page comes again by itself
    with plain.expect_download() as download:
        link.click()
    assert "face.jpg,0,ok,," in Path(download.value.path()).read_text("utf-8")
    plain.screenshot(path=screenshot("job-without-javascript"), full_page=True)


def test_without_javascript_one_image_is_labelled(plain: Page, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(jpeg(90, (64, 64)))
    plain.goto("/predict")
    plain.set_input_files("#image", tmp_path / "face.jpg")
    plain.click("#predict-send")
    expect(plain.locator("#faces")).to_contain_text("%", timeout=LONG_MS)
    expect(plain.locator("#faces img")).to_be_visible()
