"""The one preprocess: colours, sizes and cuts, against literals and plain Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from semblante.card import Preprocess
from semblante_worker.preprocess import prepare


def spec(**changes: Any) -> Preprocess:
    fields: dict[str, Any] = {
        "colour": "grey",
        "resize": (16, 16),
        "interpolation": "bilinear",
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
    }
    return Preprocess(**(fields | changes))


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("colour", "grey"),
    [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((255, 255, 255), 255)],
)
def test_grey_is_the_luma_of_itu_r_601(colour: tuple[int, int, int], grey: int) -> None:
    pixels = prepare(Image.new("RGB", (40, 20), colour), spec())
    assert pixels.dtype == np.uint8
    assert pixels.shape == (16, 16)
    assert np.unique(pixels).tolist() == [grey]


def test_resize_is_height_and_width() -> None:
    image = Image.new("L", (8, 8))
    image.paste(200, (4, 0, 8, 8))  # the right half
    pixels = prepare(image, spec(resize=(8, 24), interpolation="nearest"))
    assert pixels.shape == (8, 24)
    assert pixels[0].tolist() == [0] * 12 + [200] * 12


def test_the_centre_is_cut() -> None:
    image = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    pixels = prepare(image, spec(crop=(8, 10)))
    assert pixels.shape == (8, 10)
    assert (pixels[0, 0], pixels[-1, -1]) == (4 * 16 + 3, 11 * 16 + 12)


@pytest.mark.parametrize(("size", "most"), [((100, 100), 0), ((13, 300), 0), ((9, 9), 1)])
def test_grey_equals_plain_pillow(size: tuple[int, int], most: int) -> None:
    image = noise(*size)
    plain = image.convert("L").resize((16, 16), Image.Resampling.BILINEAR)
    difference = np.abs(prepare(image, spec()).astype(int) - np.asarray(plain))
    assert difference.max() <= most


def test_making_smaller_averages() -> None:
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (160, 80)))
    assert np.ptp(prepare(stripes, spec()).astype(int)) <= 16


def test_rgb_keeps_three_channels() -> None:
    pixels = prepare(Image.new("RGB", (20, 20), (1, 2, 3)), spec(colour="rgb", resize=(8, 12)))
    assert pixels.shape == (8, 12, 3)
    assert pixels[0, 0].tolist() == [1, 2, 3]


def with_palette() -> Image.Image:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    return image


@pytest.mark.parametrize(
    ("image", "pixel"),
    [
        (Image.new("RGBA", (8, 8), (0, 0, 0, 0)), [255, 255, 255]),
        (Image.new("RGBA", (8, 8), (9, 8, 7, 255)), [9, 8, 7]),
        (Image.new("LA", (8, 8), (90, 0)), [255, 255, 255]),
        (Image.new("CMYK", (8, 8), (255, 0, 0, 0)), [0, 255, 255]),
        (Image.new("L", (8, 8), 77), [77, 77, 77]),
        (Image.new("1", (8, 8), 1), [255, 255, 255]),
        (Image.new("I;16", (8, 8), 257 * 55), [55, 55, 55]),
        (with_palette(), [10, 20, 30]),
    ],
    ids=["clear", "opaque", "clear-grey", "cmyk", "grey", "bits", "16-bit", "palette"],
)
def test_rgb_of_every_mode(image: Image.Image, pixel: list[int]) -> None:
    assert prepare(image, spec(colour="rgb", resize=(8, 8)))[0, 0].tolist() == pixel
