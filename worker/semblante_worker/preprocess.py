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

    Colour is reduced first (grey is ITU-R BT.601 luma), then the whole image is resized without
    keeping its aspect ratio, then cut; see `resize`.
    """
    sized = resize(reduce_colour(image, spec), spec)
    if spec.crop is not None:
        sized = _cut_centre(sized, *spec.crop)
    return np.asarray(sized, dtype=np.uint8)


def reduce_colour(image: Image.Image, spec: Preprocess) -> Image.Image:
    """Return the image in mode "L" (grey) or "RGB", as `spec` says."""
    return to_grey(image) if spec.colour == "grey" else to_rgb(image)


def resize(image: Image.Image, spec: Preprocess) -> Image.Image:
    """Return the whole image in the size that `spec` has before its cut.

    Pillow antialiases when it makes smaller. Where nothing gets smaller, OpenCV is three times as
    fast, and its bilinear pixels differ from Pillow's by at most 1.
    """
    height, width = spec.resize
    grows = height >= image.height and width >= image.width
    if grows and spec.interpolation == "bilinear":
        return Image.fromarray(cv2.resize(np.asarray(image), (width, height)))
    return image.resize((width, height), _FILTERS[spec.interpolation])


def _cut_centre(image: Image.Image, height: int, width: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the image in mode "RGB": transparency over white, palettes in their colours."""
    if image.mode in ("RGB", "CMYK", "YCbCr", "HSV") and not image.has_transparency_data:
        return image.convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    # Palettes have colours; the other modes have none, or samples that only `to_grey` scales.
    return (image if image.mode == "P" else to_grey(image)).convert("RGB")
