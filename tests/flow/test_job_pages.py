"""Gallery, one image, comparing and reviewing in a real Chromium, over real faces."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from flow.visit import Visit, dark_phone_in_spanish
from semblante.client import Client
from semblante.detector_weights import install_yunet
from semblante.settings import Settings
from semblante.stack.stack import Stack, embedded_stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("stack") / "data"
    install_yunet(data, shared_data / "weights" / "face_detection_yunet_2023mar.onnx")
    with embedded_stack(Settings(data=data, port=0), web=True, predict_worker=True) as stack:
        yield stack


@pytest.fixture(scope="module")
def jobs(stack: Stack, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return two jobs over the same upload: faces in folders by emotion, one file broken."""
    path = tmp_path_factory.mktemp("archive") / "people.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for photo in sorted((shared_data / "fixtures" / "photos_ccby").glob("*.jpg")):
            kind = {"happy": "happiness", "neutral": "neutral"}.get(photo.name.split("_")[0])
            archive.write(photo, f"{kind or 'nature'}/{photo.name}")
        archive.writestr("neutral/broken.jpg", "no image")
    with Client(stack.url) as client:
        first = client.wait(client.submit(path, detect="on").id, timeout=120)
        body = {"upload_id": first.upload_id, "model": "resnet18-raf7-fast", "detect": "on"}
        second = client._api.send("POST", "jobs", json=body).json()["id"]
        client.wait(second, timeout=120)
    return [first.id, second]


def all_pictures_are_shown(page: Page) -> None:
    for picture in page.locator("main img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0


def test_from_the_job_through_the_gallery_to_an_image(visit: Visit, jobs: list[str]) -> None:
    page = visit.page
    page.goto(f"/jobs/{jobs[0]}")
    expect(page.locator("#confidence-table-chart")).to_be_visible()
    expect(page.locator(".error-list")).to_contain_text("Save the image anew as JPEG or PNG")
    visit.shoot("job-charts")
    page.get_by_role("link", name="All results, with filters").click()
    all_pictures_are_shown(page)
    visit.shoot("gallery")
    page.select_option("#emotion", "happiness")
    page.select_option("#folder", "happiness")
    page.select_option("#order", "doubt")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".tile").first).to_contain_text("Happiness")
    expect(page.locator(".tile-path").first).to_contain_text("happiness/")
    assert page.locator(".tile .box").count() == page.locator(".tile").count()
    page.locator(".tile a").first.click()
    expect(page.locator(".image-frame .box")).to_have_count(1)
    all_pictures_are_shown(page)
    frame, box = (page.locator(f".image-frame {part}").bounding_box() for part in ("img", ".box"))
    assert frame is not None
    assert box is not None
    assert frame["x"] < box["x"] < box["x"] + box["width"] < frame["x"] + frame["width"]
    expect(page.locator(".bars progress")).to_have_count(7)
    visit.shoot("image")


def test_a_truth_from_folders_leads_from_a_cell_to_its_images(
    visit: Visit, jobs: list[str]
) -> None:
    page = visit.page
    page.goto(f"/jobs/{jobs[0]}/compare")
    page.click("#attach-folders")
    expect(page.locator(".matrix")).to_be_visible()
    visit.shoot("compare")
    page.locator(".matrix .is-right a").first.click()
    expect(page.locator("#truth")).to_have_value("happiness")
    expect(page.locator(".tile").first).to_contain_text("Happiness")
    page.go_back()
    page.get_by_role("link", name="resnet18-raf7-fast").click()
    expect(page.locator("h1")).to_have_text("Agreement of two jobs")
    all_pictures_are_shown(page)
    visit.shoot("agreement")


def test_a_review_goes_by_keys(visit: Visit, jobs: list[str]) -> None:
    page = visit.page
    page.goto(f"/jobs/{jobs[0]}/review")
    page.evaluate("window.sameDocument = true")
    first = page.locator("figcaption").text_content()
    all_pictures_are_shown(page)
    visit.shoot("review")
    page.keyboard.press("3")
    expect(page.locator("#review")).to_contain_text("1 of 12 faces reviewed")
    page.keyboard.press("Enter")
    expect(page.locator("#review")).to_contain_text("2 of 12 faces reviewed")
    page.keyboard.press("0")
    expect(page.locator("#review")).to_contain_text("3 of 12 faces reviewed")
    for left in (2, 1):
        page.keyboard.press("u")
        expect(page.locator("#review")).to_contain_text(f"{left} of 12 faces reviewed")
    assert page.evaluate("window.sameDocument") is True
    with page.expect_download() as download:
        page.get_by_role("link", name="Corrected labels").click()
    _, row = download.value.path().read_text(encoding="utf-8").splitlines()
    assert row.startswith(f"{first},0,disgust,")


def test_silence_and_refusals_are_told(visit: Visit, jobs: list[str]) -> None:
    page = visit.page
    page.goto(f"/jobs/{jobs[1]}/review")
    alert = page.locator("#no-answer")
    expect(alert).to_be_hidden()
    page.route("**/review", lambda route: route.abort())
    page.keyboard.press("3")
    expect(alert).to_contain_text("The server does not answer.")
    page.unroute("**/review")
    page.route("**/review", lambda route: route.fulfill(status=503, body="-"))
    page.keyboard.press("3")
    expect(alert).to_contain_text("The server refused this (503).")
    page.unroute("**/review")
    page.keyboard.press("3")
    expect(page.locator("#review")).to_contain_text("1 of 12 faces reviewed")
    expect(alert).to_be_hidden()
    page.keyboard.press("u")
    expect(page.locator("#review")).to_contain_text("0 of 12 faces reviewed")
    visit.complaints.clear()  # Chromium and htmx tell, too


def test_the_focus_stays_when_the_page_is_renewed(visit: Visit, jobs: list[str]) -> None:
    page = visit.page
    page.goto(f"/jobs/{jobs[0]}")
    link = page.get_by_role("link", name="All results, with filters")
    link.focus()
    page.evaluate("document.getElementById('job-live').dataset.old = ''")
    page.evaluate(
        "job => htmx.ajax('GET', `/jobs/${job}/live`, {target: '#job-live', swap: 'outerHTML'})",
        jobs[0],
    )
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(link).to_be_focused()


def test_the_pages_in_spanish_on_a_dark_phone(
    browser: Browser, stack: Stack, jobs: list[str]
) -> None:
    context = dark_phone_in_spanish(browser, stack.url)
    visit = Visit(context, stack.url)
    for name, path, word in (
        ("gallery", "images?order=doubt", "Las menos seguras primero"),
        ("image", "images/0", "Siguiente"),
        ("compare", "compare", "Comparar con las carpetas"),
        ("agreement", f"compare/{jobs[1]}", "Acuerdo de dos trabajos"),
        ("review", "review", "¿Qué muestra esta cara?"),
    ):
        visit.page.goto(f"/jobs/{jobs[0]}/{path}")
        expect(visit.page.locator("main")).to_contain_text(word)
        assert visit.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        all_pictures_are_shown(visit.page)
        visit.shoot(f"{name}-phone-spanish")
    assert visit.complaints == []
    context.close()
