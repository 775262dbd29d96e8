"""Face detection: known photographs, coordinates of the upright original, and what `auto` takes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factory import jpeg
from semblante.bundles import shipped_bundle
from semblante.detector_weights import YUNET_FILE, install_yunet
from semblante.errors import BundleError, ImageError
from semblante.picture import open_picture
from semblante.settings import Settings
from semblante_worker.decode import decode_image
from semblante_worker.detect import FaceFinder, Located, cut_out
from semblante_worker.detector import Detector, Found, HaarCascade, YuNet, load_detector
from semblante_worker.outcome import Box, Decoded, NoFace

SETTINGS = Settings()
_TURNS = {
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera stores what it marks with this orientation."""


class Fixed(Detector):
    """A detector that finds the same everywhere, and keeps what it was shown."""

    name = "fixed"

    def __init__(self, found: list[Found]) -> None:
        super().__init__()
        self.found = found
        self.shown: list[tuple[int, ...]] = []

    def _open(self) -> None:
        """Need nothing."""

    def _detect(self, opened: object, picture: NDArray[np.uint8]) -> list[Found]:
        self.shown.append(picture.shape)
        return self.found


@pytest.fixture(scope="module")
def yunet(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    data = tmp_path_factory.mktemp("data")
    install_yunet(data, shared_data / "weights" / YUNET_FILE)
    detector = load_detector(data, SETTINGS.detect_confidence)
    assert isinstance(detector, YuNet)
    return detector


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[Path]:
    paths = sorted((shared_data / "fixtures" / "photos_ccby").glob("*.jpg"))
    assert len(paths) == 18
    return paths


@pytest.fixture
def portrait(photos: list[Path]) -> Iterator[Image.Image]:
    with Image.open(photos[0]) as image:
        yield image.convert("RGB").resize((400, 400))


def overlap(one: Box, other: Box) -> float:
    """Return the share of both boxes' union that they have in common."""
    wide = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    high = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    common = max(wide, 0) * max(high, 0)
    return common / (one.w * one.h + other.w * other.h - common)


def search(detector: Detector, image: Image.Image, settings: Settings = SETTINGS) -> list[Located]:
    found = FaceFinder(detector, "on", settings).find(image)
    assert found is not None
    return found


def is_taken_whole(detector: Detector, image: Image.Image) -> bool:
    return FaceFinder(detector, "auto", SETTINGS).find(image) is None


def test_yunet_finds_the_one_face_of_portraits_and_none_elsewhere(
    yunet: Detector, photos: list[Path]
) -> None:
    for path in photos:
        image = open_picture(path.read_bytes(), 10_000_000)
        faces = search(yunet, image)
        assert len(faces) == (not path.name.startswith("noface")), path.name
        for box, confidence in faces:
            assert confidence is not None
            assert 0.8 <= confidence <= 1
            assert box.x >= 0 <= box.y
            assert box.x + box.w <= image.width >= 4 * box.w / 3
            assert box.y + box.h <= image.height >= 4 * box.h / 3


def test_the_cascade_draws_about_the_same_boxes(yunet: Detector, photos: list[Path]) -> None:
    cascade = HaarCascade()
    for path in photos[::3]:
        image = open_picture(path.read_bytes(), 10_000_000)
        by_cascade, by_yunet = search(cascade, image), search(yunet, image)
        assert len(by_cascade) == len(by_yunet), path.name
        for one, other in zip(by_cascade, by_yunet, strict=True):
            assert one.confidence is None
            assert overlap(one.box, other.box) > 0.75


@pytest.mark.parametrize("orientation", _TURNS)
def test_boxes_are_those_of_the_upright_image(
    yunet: Detector, portrait: Image.Image, orientation: int
) -> None:
    upright = portrait.crop((0, 0, 400, 360))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    upright.transpose(_TURNS[orientation]).save(buffer, "JPEG", exif=exif, quality=95)
    turned = open_picture(buffer.getvalue(), 1_000_000)
    assert turned.size == upright.size
    [expected], [found] = search(yunet, upright), search(yunet, turned)
    assert overlap(expected.box, found.box) > 0.9


def test_several_faces_come_by_size_with_their_own_places(
    yunet: Detector, portrait: Image.Image
) -> None:
    group = Image.new("RGB", (1400, 800), "grey")
    group.paste(portrait, (50, 200))
    group.paste(portrait.resize((800, 800)), (500, 0))
    group.paste(portrait.resize((100, 100)), (1300, 10))
    [alone] = search(yunet, portrait)
    boxes = [face.box for face in search(yunet, group)]
    assert len(boxes) == 3
    for box, (left, top, factor) in zip(
        boxes, ((500, 0, 2.0), (50, 200, 1.0), (1300, 10, 0.25)), strict=True
    ):
        x, y, w, h = (round(value * factor) for value in alone.box)
        assert overlap(box, Box(left + x, top + y, w, h)) > 0.75


def test_auto_takes_small_images_whole_without_a_look() -> None:
    detector = Fixed([Found(10, 10, 50, 50, 0.9)])
    assert is_taken_whole(detector, Image.new("L", (128, 100)))
    assert detector.shown == []
    assert not is_taken_whole(detector, Image.new("L", (129, 100)))


def test_auto_prepares_a_small_jpeg_as_it_is_prepared_without_detection() -> None:
    detector = Fixed([])
    finder = FaceFinder(detector, "auto", SETTINGS)
    spec = shipped_bundle("resnet18-raf7").card.preprocess
    small, large = jpeg(1, (SETTINGS.detect_whole_side, 60)), jpeg(1, (200, 100))
    (found,) = decode_image(0, small, spec, 10**6, finder)
    (plain,) = decode_image(0, small, spec, 10**6)
    assert isinstance(found, Decoded)
    assert isinstance(plain, Decoded)
    assert found.face == plain.face
    assert np.array_equal(found.pixels, plain.pixels)
    assert detector.shown == []
    assert isinstance(decode_image(0, large, spec, 10**6, finder)[0], NoFace)


def test_auto_takes_face_filling_images_whole(yunet: Detector, portrait: Image.Image) -> None:
    [face] = search(yunet, portrait)
    crop = cut_out(portrait, face.box).resize((200, 200))
    assert is_taken_whole(yunet, crop)
    assert not is_taken_whole(yunet, portrait)
    assert len(search(yunet, crop)) == 1
    assert not is_taken_whole(yunet, Image.new("RGB", (300, 300)))  # no face is no crop


def test_boxes_are_scaled_back_and_cut_at_the_edges() -> None:
    detector = Fixed([Found(-10, 5.2, 50, 400, 0.9), Found(600, 300, 100, 100, 0.85)])
    faces = search(detector, Image.new("RGB", (1280, 800)))
    assert detector.shown == [(400, 640, 3)]
    assert faces == [
        Located(Box(0, 10, 80, 790), 0.9),
        Located(Box(1200, 600, 80, 200), 0.85),
    ]


def test_small_faces_and_those_beyond_the_limit_are_left_out() -> None:
    sides = (30, 19, 25, 40)
    detector = Fixed([Found(50, 50, side, side + 5, 0.9) for side in sides])
    settings = SETTINGS.model_copy(update={"detect_max_faces": 2})
    image = Image.new("L", (200, 200))
    assert [face.box.w for face in search(detector, image)] == [40, 30, 25]
    assert [face.box.w for face in search(detector, image, settings)] == [40, 30]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("size", [(3000, 1), (1, 700), (1, 1), (33, 47)])
def test_odd_images_are_searched_without_harm(
    yunet: Detector, mode: str, size: tuple[int, int]
) -> None:
    assert search(yunet, Image.new(mode, size)) == []


def test_what_opencv_refuses_costs_one_image() -> None:
    damaged = YuNet(b"no network at all", 0.8)
    with pytest.raises(ImageError) as caught:
        search(damaged, Image.new("L", (100, 100)))
    assert caught.value.code == "detection_failed"


def test_threads_do_not_disturb_each_other(yunet: Detector, portrait: Image.Image) -> None:
    images = [portrait.resize((160 + 16 * step, 160)) for step in range(8)]
    alone = [search(yunet, image) for image in images]
    with ThreadPoolExecutor(4) as executor:
        together = list(executor.map(lambda image: search(yunet, image), images * 3))
    assert together == alone * 3


def test_without_weights_the_cascade_searches_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    assert load_detector(tmp_path, 0.8).name == "haarcascade_frontalface_alt2"
    path = tmp_path / "detectors" / YUNET_FILE
    path.parent.mkdir()
    path.write_bytes(b"damage")
    with pytest.raises(BundleError, match="models pull yunet"):
        load_detector(tmp_path, 0.8)
