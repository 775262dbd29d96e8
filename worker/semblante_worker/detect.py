"""Which faces an image has: searched in a small copy, told in pixels of the upright original.

`auto` takes an image whole when it is small, or when its one face fills it: both are crops of
faces already, as the models were trained on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semblante.settings import Settings
from semblante_worker.detector import Detector, Found
from semblante_worker.outcome import Box
from semblante_worker.preprocess import to_rgb

FACE_FILLING = 0.5
"""Share of the image that the box of its one face covers at least if the image is a crop of it.
Boxes cover 0.9 to 1.1 (10th to 90th percentile) of RAF-DB's crops, and 0.3 of loose portraits."""


class Located(NamedTuple):
    """A face's box in the upright image, and how sure the detector is of it, if it tells."""

    box: Box
    confidence: float | None


class FaceFinder:
    """Searches images for faces; safe to call from several threads."""

    def __init__(
        self, detector: Detector, detect: Literal["auto", "on"], settings: Settings
    ) -> None:
        self._detector = detector
        self._is_auto = detect == "auto"
        self._settings = settings

    @property
    def detector(self) -> str:
        """The name of the detector."""
        return self._detector.name

    def takes_whole(self, longer_side: int) -> bool:
        """Whether an image with this longer side is not searched, but taken as one face."""
        return self._is_auto and longer_side <= self._settings.detect_whole_side

    def find(self, image: Image.Image) -> list[Located] | None:
        """Return the faces of an upright image, the largest first; None to take it whole.

        At most `detect_max_faces`, none with a side below `detect_min_face` pixels.

        Raises:
            ImageError: `detection_failed`.
        """
        if self.takes_whole(max(image.size)):
            return None
        scale = min(1.0, self._settings.detect_side / max(image.size))
        found = self._detector.detect(_small_copy(image, scale))
        faces = self._sorted(_located(face, scale, image.size) for face in found)
        if self._is_auto and len(faces) == 1 and _fills(faces[0].box, image.size):
            return None
        return faces

    def _sorted(self, faces: Iterable[Located]) -> list[Located]:
        """Return the faces that are kept, the largest first; ties from the top left."""
        least = self._settings.detect_min_face
        kept = [face for face in faces if min(face.box.w, face.box.h) >= least]
        kept.sort(key=lambda face: (-face.box.w * face.box.h, face.box.y, face.box.x))
        return kept[: self._settings.detect_max_faces]


def cut_out(image: Image.Image, box: Box) -> Image.Image:
    """Return the face in `box`, from eyebrows to chin, without a margin.

    That is how tightly the models' training pictures are cut: YuNet's box covers RAF-DB's crops
    almost exactly (median 96 x 103 of 100 x 100 pixels), and the models' resize to a square widens
    a face as RAF-DB's alignment did. On 52 portraits our first model was right for 0.92 with the
    box, 0.88 with a square of its height, 0.79 with half as much again, 0.67 with the whole images.
    """
    return image.crop((box.x, box.y, box.x + box.w, box.y + box.h))


def _small_copy(image: Image.Image, scale: float) -> NDArray[np.uint8]:
    """Return what is searched, uint8 [h, w, 3], blue first as OpenCV has it."""
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = to_rgb(image)
    if size != image.size:
        small = small.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.ascontiguousarray(np.asarray(small, dtype=np.uint8)[:, :, ::-1])


def _located(found: Found, scale: float, size: tuple[int, int]) -> Located:
    """Return a find in whole pixels of the original; what lies beyond its edges is cut off."""
    width, height = size
    left, right = (min(max(round(x / scale), 0), width) for x in (found.x, found.x + found.w))
    top, bottom = (min(max(round(y / scale), 0), height) for y in (found.y, found.y + found.h))
    return Located(Box(left, top, right - left, bottom - top), found.confidence)


def _fills(box: Box, size: tuple[int, int]) -> bool:
    return box.w * box.h >= FACE_FILLING * size[0] * size[1]
