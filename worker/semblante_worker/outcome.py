"""What becomes of an image on its way: faces with their pixels, or why it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from semblante_worker.preprocess import Pixels


class Box(NamedTuple):
    """A rectangle in pixels of the upright image, inside it."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Face:
    """A region of an image that gets a label.

    `width` and `height` are those of the upright image, `sha256` (32 bytes) that of its bytes.
    `box` is None when the whole image is its one face, otherwise `detector` found it there, with
    `confidence` 0..1 if it tells one.
    """

    index: int
    width: int
    height: int
    sha256: bytes
    face_id: int = 0
    box: Box | None = None
    confidence: float | None = None
    detector: str | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A face, ready for a batch: `pixels` are uint8 of the shape in the model's card."""

    face: Face
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class NoFace:
    """An image in which `detector` found no face; the other fields are those of `Face`."""

    index: int
    width: int
    height: int
    sha256: bytes
    detector: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that cannot be labelled: `code` is one of `IMAGE_ERROR_CODES`.

    `sha256` is None when not even its bytes could be read.
    """

    index: int
    code: str
    sha256: bytes | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """An image with the bytes of another one of the job, whose rows it gets."""

    index: int
    sha256: bytes


Unlabelled = NoFace | Failure | Repeat
"""What has no pixels; it keeps its place among the faces."""
