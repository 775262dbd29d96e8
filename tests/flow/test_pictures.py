"""The documentation's pictures: the drawn example in a real Chromium; see docs/pictures.py."""

from __future__ import annotations

import runpy
import zipfile
from pathlib import Path

import pytest
from PIL import Image as Picture
from playwright.sync_api import expect

from flow.visit import Visit
from semblante.client import Client
from semblante.stack.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]
REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "faces.zip"
SCRIPT = runpy.run_path(str(REPOSITORY / "docs" / "pictures.py"))


@pytest.fixture(scope="module")
def job_id(stack: Stack) -> str:
    with Client(stack.url) as client:
        return client.wait(client.submit(EXAMPLE).id, timeout=120).id


def test_the_first_page(visit: Visit) -> None:
    visit.page.goto("/")
    expect(visit.page.locator("#files")).to_be_attached()
    visit.shoot("docs-upload")


def test_a_job_its_gallery_and_its_review(visit: Visit, job_id: str) -> None:
    page = visit.page
    page.goto(f"/jobs/{job_id}")
    expect(page.locator("main")).to_contain_text("faces.zip")
    expect(page.locator("#confidence-table-chart")).to_be_visible()
    visit.shoot("docs-job")
    for path in ("images", "review"):
        page.goto(f"/jobs/{job_id}/{path}")
        expect(page.locator("main img").first).to_have_js_property("complete", True)
        page.wait_for_load_state("networkidle")
        visit.shoot({"images": "docs-gallery", "review": "docs-review"}[path])


def test_one_image(visit: Visit, stack: Stack, tmp_path: Path) -> None:
    with zipfile.ZipFile(EXAMPLE) as archive:
        (tmp_path / "face.png").write_bytes(archive.read("adultos/retrato feliz 11.png"))
    page = visit.page
    page.goto("/predict")
    page.set_input_files("#image", tmp_path / "face.png")
    page.click("#predict-send")
    expect(page.locator("#faces")).to_contain_text("%", timeout=120_000)
    visit.shoot("docs-predict")


def test_the_models(visit: Visit) -> None:
    visit.page.goto("/models")
    expect(visit.page.locator("main")).to_contain_text("resnet18-raf7")
    heights = "tables => tables.map(table => [table.scrollHeight, table.clientHeight])"
    for content, shown in visit.page.locator(".table-responsive:visible").evaluate_all(heights):
        assert content == shown  # a hidden caption's pixel made a scroll bar
    visit.shoot("docs-models")


def test_a_picture_is_small_and_shows_the_top_of_its_page(tmp_path: Path) -> None:
    noise = Picture.effect_noise((1280, 4000), 200).convert("RGB")
    SCRIPT["write_small"](SCRIPT["shrink"](noise), tmp_path / "noise.webp")
    with Picture.open(tmp_path / "noise.webp") as picture:
        assert picture.size == (SCRIPT["WIDTH"], SCRIPT["MOST_HEIGHT"])
    page = Picture.new("RGB", (1280, 640), "white")
    SCRIPT["write_small"](SCRIPT["shrink"](page), tmp_path / "page.webp")
    assert (tmp_path / "page.webp").stat().st_size <= SCRIPT["MOST_BYTES"]


def test_every_stored_picture_is_shown_and_small() -> None:
    texts = "".join(path.read_text("utf-8") for path in (REPOSITORY / "docs").glob("*.md"))
    for path in (REPOSITORY / "docs" / "images").iterdir():
        assert f"](images/{path.name})" in texts
        assert path.stat().st_size <= SCRIPT["MOST_BYTES"]
