"""The most confident mistakes: where to look first, at the model or at the labels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from semblante.errors import ImageError
from semblante.picture import open_picture, to_grey
from semblante_worker.evaluation.dataset import Reader
from semblante_worker.evaluation.measured import Measured

SHOWN = 24
SIDE = 112
"""Longest side of a thumbnail in pixels."""


@dataclass(frozen=True)
class Mistake:
    """An image with a wrong label; classes are numbers, `thumbnail` is a PNG if there is one."""

    path: str
    truth: int
    predicted: int
    confidence: float
    thumbnail: bytes | None = None


def pick_mistakes(
    measured: Measured, reader: Reader | None, max_pixels: int, limit: int = SHOWN
) -> list[Mistake]:
    """Return the wrong labels with the highest confidence, those first, with their pictures.

    Without a reader there are no pictures. Mistakes of equal confidence go by path.
    """
    wrong = np.flatnonzero(measured.truth != measured.predicted)
    confidences = measured.probabilities[wrong, measured.predicted[wrong]]
    places = sorted(range(len(wrong)), key=lambda at: (-confidences[at], measured.paths[wrong[at]]))
    rows = [int(wrong[at]) for at in places[:limit]]
    pictures = _pictures(measured, reader, rows, max_pixels)
    return [
        Mistake(
            path=measured.paths[row],
            truth=int(measured.truth[row]),
            predicted=int(measured.predicted[row]),
            confidence=float(measured.probabilities[row, measured.predicted[row]]),
            thumbnail=picture,
        )
        for row, picture in zip(rows, pictures, strict=True)
    ]


def thumbnail(data: bytes, max_pixels: int) -> bytes:
    """Return the image file `data` as a PNG of at most 112 px a side, upright, RGB or grey.

    Raises:
        ImageError: see `open_picture`.
    """
    image = open_picture(data, max_pixels)
    plain = to_grey(image) if image.mode[:1] in "1LIF" else image.convert("RGB")
    plain.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    plain.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _pictures(
    measured: Measured, reader: Reader | None, rows: Sequence[int], max_pixels: int
) -> list[bytes | None]:
    if reader is None:
        return [None] * len(rows)
    found: list[bytes | None] = []
    for _number, content in reader.read(int(measured.numbers[row]) for row in rows):
        try:
            found.append(
                None if isinstance(content, ImageError) else thumbnail(content, max_pixels)
            )
        except ImageError:  # it changed since it was labelled
            found.append(None)
    return found
