"""The quick way for JPEG files: what Pillow gives, or nothing."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from semblante.card import Preprocess
from semblante.errors import ImageError
from semblante.picture import open_picture, to_grey
from semblante_worker.jpeg import open_jpeg
from semblante_worker.preprocess import prepare, prepare_pixels

MOST = 1_000_000
GREY = Preprocess(
    colour="grey", resize=(16, 16), interpolation="bilinear", mean=(0.5,) * 3, std=(0.5,) * 3
)
COLOUR = GREY.model_copy(update={"colour": "rgb"})


def picture(size: tuple[int, int] = (24, 40), mode: str = "RGB") -> Image.Image:
    rows = np.linspace(0, 255, size[1], dtype=np.uint8)[:, None]
    columns = np.linspace(0, 120, size[0], dtype=np.uint8)[None, :]
    grey = Image.fromarray((rows // 2 + columns).astype(np.uint8))
    return Image.merge("RGB", (grey, grey.transpose(Image.Transpose.ROTATE_180), grey)).convert(
        mode
    )


def saved(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_pixels_are_those_of_pillow(mode: str, options: dict[str, object]) -> None:
    data = saved(picture(mode=mode), **options)
    colour = open_jpeg(data, COLOUR, MOST)
    assert colour is not None
    assert colour.pixels.tobytes() == open_picture(data, MOST).convert("RGB").tobytes()
    luma = Image.open(io.BytesIO(data))
    luma.draft("L", luma.size)
    grey = open_jpeg(data, GREY, MOST)
    assert grey is not None
    assert (grey.pixels.shape, grey.pixels.tobytes()) == ((40, 24), luma.tobytes())


@pytest.mark.parametrize("orientation", range(10))
def test_pictures_are_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(picture(), exif=exif)
    opened, expected = open_jpeg(data, COLOUR, MOST), open_picture(data, MOST)
    assert opened is not None
    assert (opened.width, opened.height) == opened.pixels.shape[1::-1] == expected.size
    assert opened.pixels.tobytes() == expected.tobytes()


@given(
    st.lists(
        st.tuples(st.sampled_from([0xE1, 0xE2, 0xFE]), st.binary(max_size=300), st.integers(0, 3))
    ),
    st.sampled_from([0, 600]),
)
def test_orientation_is_found_behind_other_segments(
    segments: list[tuple[int, bytes, int]], fillings: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(picture(), exif=exif)
    between = b"".join(
        b"\xff" * (1 + filling) + struct.pack(">BH", marker, len(content) + 2) + content
        for marker, content, filling in segments
    )
    opened = open_jpeg(data[:2] + between + b"\xff" * fillings + data[2:], COLOUR, MOST)
    assert opened is not None
    assert opened.pixels.shape == (24, 40, 3)


@pytest.mark.parametrize(
    ("size", "decoded"),
    [((63, 64), (63, 64)), ((64, 64), (32, 32)), ((129, 600), (33, 150)), ((800, 257), (100, 33))],
)
def test_large_pictures_are_decoded_small_but_not_too_small(
    size: tuple[int, int], decoded: tuple[int, int]
) -> None:
    opened = open_jpeg(saved(picture(size)), GREY, MOST)
    assert opened is not None
    assert ((opened.width, opened.height), opened.pixels.shape[::-1]) == (size, decoded)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        saved(picture())[:-2],
        saved(picture())[:-100],
        saved(picture(mode="CMYK")),
        saved(picture((1001, 1000))),
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["empty", "begins", "no end", "cut", "cmyk", "too large", "png"],
)
def test_what_is_not_plain_goes_the_long_way(data: bytes) -> None:
    assert open_jpeg(data, GREY, MOST) is None


@given(st.binary(max_size=8), st.floats(0, 1), st.integers(0, 40))
def test_what_is_taken_the_long_way_takes_too(new: bytes, place: float, gone: int) -> None:
    data = bytearray(saved(picture()))
    at = int(place * len(data))
    data[at : at + gone] = new
    opened = open_jpeg(bytes(data), GREY, MOST)
    if opened is not None:
        expected = to_grey(open_picture(bytes(data), MOST))
        assert (opened.width, opened.height) == expected.size


def test_real_photographs_keep_their_look_when_decoded_small(shared_data: Path) -> None:
    spec = GREY.model_copy(update={"resize": (112, 112)})
    for path in sorted((shared_data / "fixtures" / "photos_ccby").glob("*.jpg")):
        data = path.read_bytes()
        opened = open_jpeg(data, spec, 100_000_000)
        if opened is None:
            continue
        whole = to_grey(open_picture(data, 100_000_000))
        difference = np.abs(prepare(whole, spec).astype(int) - prepare_pixels(opened.pixels, spec))
        assert difference.mean() < 3, path.name


def test_a_refusal_is_the_long_ways(shared_data: Path) -> None:
    data = next((shared_data / "fixtures" / "faces_ccby").glob("*.jp*g")).read_bytes()
    assert open_jpeg(data, GREY, 10) is None
    with pytest.raises(ImageError, match="more than 10 pixels"):
        open_picture(data, 10)
