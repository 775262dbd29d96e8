"""The browser's camera: a real face seen by Chromium's fake device is boxed and labelled, live."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image as Picture
from playwright.sync_api import Page, expect

from flow.conftest import stored_files
from flow.visit import Visit, chromium
from semblante.detector_weights import install_yunet
from semblante.settings import Settings
from semblante.stack.stack import Stack, embedded_stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]
FRAMES = 40
LABELLED_MS = 60_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("stack") / "data"
    install_yunet(data, shared_data / "weights" / "face_detection_yunet_2023mar.onnx")
    settings = Settings(data=data, port=0)
    with embedded_stack(settings, web=True, predict_worker=True) as stack:
        yield stack


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """Return a video (JPEGs one after another) of a person who smiles and moves a little."""
    with Picture.open(shared_data / "fixtures" / "photos_ccby" / "happy_002.jpg") as photo:
        portrait = photo.convert("RGB").resize((480, 480))
    path = tmp_path_factory.mktemp("film") / "smile.mjpeg"
    with path.open("wb") as file:
        for number in range(FRAMES):
            frame = Picture.new("RGB", (640, 480), "gray")
            frame.paste(portrait, (80 + abs(number - FRAMES // 2), 0))
            buffer = io.BytesIO()
            frame.save(buffer, "JPEG", quality=85)
            file.write(buffer.getvalue())
    return path


def open_live(stack: Stack, *arguments: str, **context: object) -> Iterator[Visit]:
    with chromium(*arguments) as browser:
        opened = browser.new_context(base_url=stack.url, **context)  # type: ignore[arg-type]
        visit = Visit(opened, stack.url)
        visit.page.goto("/live")
        yield visit
        assert visit.complaints == []
        opened.close()


@pytest.fixture
def camera(stack: Stack, film: Path) -> Iterator[Visit]:
    yield from open_live(
        stack,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
        locale="en-GB",
        viewport={"width": 1280, "height": 900},
    )


def drawn_pixels(page: Page) -> int:
    """Return how many pixels of the overlay are not transparent."""
    count: int = page.evaluate(
        """() => {
          const overlay = document.getElementById("overlay");
          const copy = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
          const pen = copy.getContext("2d", { willReadFrequently: true });
          pen.drawImage(overlay, 0, 0);
          const { data } = pen.getImageData(0, 0, 640, 480);
          return data.filter((value, index) => index % 4 === 3 && value > 0).length;
        }"""
    )
    return count


def test_a_face_is_boxed_and_labelled_and_no_frame_is_kept(
    camera: Visit, stack: Stack, until: Callable[[Callable[[], object]], None]
) -> None:
    page = camera.page
    page.click("#start")
    expect(page.locator("#live-faces")).to_contain_text("Happiness", timeout=LABELLED_MS)
    expect(page.locator("#live-faces .face-share")).to_contain_text("%")
    expect(page.locator("#live-rate")).to_contain_text("frames/s")
    expect(page.locator("#live-rate")).to_have_attribute("data-rate", re.compile("[1-9]"))
    assert drawn_pixels(page) > 500
    camera.shoot("live")
    page.click("#stop")
    expect(page.locator("#start")).to_be_visible()
    assert drawn_pixels(page) == 0
    assert page.evaluate("document.getElementById('camera').srcObject") is None
    until(lambda: stored_files(stack.settings.data) == [])  # what was under way is answered first


def test_a_camera_that_is_lost_ends_cleanly(camera: Visit) -> None:
    page = camera.page
    page.click("#start")
    expect(page.locator("#live-faces")).to_contain_text("Happiness", timeout=LABELLED_MS)
    track = "document.getElementById('camera').srcObject.getTracks()[0]"
    page.evaluate(f"{track}.dispatchEvent(new Event('ended'))")
    expect(page.locator("#live-problem")).to_contain_text("disconnected")
    page.click("#start")
    expect(page.locator("#live-problem")).to_be_hidden()
    expect(page.locator("#live-faces")).to_contain_text("Happiness", timeout=LABELLED_MS)


def test_a_server_that_refuses_says_why(camera: Visit) -> None:
    page = camera.page
    page.evaluate("document.getElementById('model').selectedOptions[0].value = 'gone'")
    page.click("#start")
    expect(page.locator("#live-problem")).to_contain_text("gone", timeout=LABELLED_MS)
    expect(page.locator("#start")).to_be_visible()
    camera.complaints.clear()  # the browser itself reports the answer 404


def test_without_the_right_the_page_says_what_to_do(stack: Stack) -> None:
    arguments = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny")
    for visit in open_live(stack, *arguments, locale="es-ES", color_scheme="dark"):
        visit.page.click("#start")
        expect(visit.page.locator("#live-problem")).to_contain_text("no tiene permiso")
        visit.shoot("live-denied-spanish")


def test_without_a_camera_the_page_says_so(stack: Stack) -> None:
    phone = {"width": 390, "height": 844}
    for visit in open_live(stack, "--use-fake-ui-for-media-stream", viewport=phone):
        visit.page.click("#start")
        expect(visit.page.locator("#live-problem")).to_contain_text("There is no camera")
        assert visit.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        visit.shoot("live-phone")
