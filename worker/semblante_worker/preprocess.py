"""From a picture to the network's input: the one implementation for training and inference.

Normalisation (scale, mean, std, three channels) is done by the engine on whole batches; all
before it, on 8-bit pixels, is done here.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semblante.card import Preprocess
from semblante.picture import to_grey

Pixels = NDArray[np.uint8]

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def prepare(image: Image.Image, spec: Preprocess) -> Pixels:
    """Return uint8 pixels of shape `spec.shape`: [h, w] for grey, [h, w, 3] for rgb.

    Colour is reduced first (grey is ITU-R BT.601 luma), then see `prepare_pixels`.
    """
    return prepare_pixels(np.asarray(reduce_colour(image, spec)), spec)


def prepare_pixels(pixels: Pixels, spec: Preprocess) -> Pixels:
    """Return pixels that have the colours of `spec` in its shape, too.

    The whole image is resized without keeping its aspect ratio, then cut; see `resize`.
    """
    sized = resize(pixels, spec)
    return sized if spec.crop is None else _cut_centre(sized, *spec.crop)


def reduce_colour(image: Image.Image, spec: Preprocess) -> Image.Image:
    """Return the image in mode "L" (grey) or "RGB", as `spec` says."""
    return to_grey(image) if spec.colour == "grey" else to_rgb(image)


def resize(pixels: Pixels, spec: Preprocess) -> Pixels:
    """Return the whole image, [h, w] or [h, w, 3], in the size that `spec` has before its cut.

    Pillow antialiases when it makes smaller. Where nothing gets smaller, OpenCV is three times as
    fast, and its bilinear pixels differ from Pillow's by at most 1.
    """
    height, width = spec.resize
    grows = height >= pixels.shape[0] and width >= pixels.shape[1]
    if grows and spec.interpolation == "bilinear":
        return np.asarray(cv2.resize(pixels, (width, height)), dtype=np.uint8)
    sized = Image.fromarray(pixels).resize((width, height), _FILTERS[spec.interpolation])
    return np.asarray(sized)


def _cut_centre(pixels: Pixels, height: int, width: int) -> Pixels:
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the image in mode "RGB": transparency over white, palettes in their colours."""
    if image.mode in ("RGB", "CMYK", "YCbCr", "HSV") and not image.has_transparency_data:
        return image.convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    # Palettes have colours; the other modes have none, or samples that only `to_grey` scales.
    return (image if image.mode == "P" else to_grey(image)).convert("RGB")
