"""Face detectors of OpenCV behind one `detect`: YuNet, or a Haar cascade where YuNet is missing.

Neither of OpenCV's objects may be used by two threads at once, so each thread has its own.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from cv2.data import haarcascades
from numpy.typing import NDArray

from semblante.detector_weights import read_yunet
from semblante.errors import ImageError

LEAST_SIDE = 16
"""Pixels; the shorter side of a face that is searched for in the scaled copy."""

# Known faces of YuNet and their boxes by the cascade: width, height and centre of the former in
# widths of the latter, which is a square. Medians over 52 portraits.
_HAAR_TO_FACE = (0.85, 1.12, -0.01, 0.02)
_NMS_THRESHOLD = 0.3
_MOST_CANDIDATES = 5000


class Found(NamedTuple):
    """A face in pixels of the picture searched, from eyebrows to chin; may reach over its edge."""

    x: float
    y: float
    w: float
    h: float
    confidence: float | None


class Detector(ABC):
    """Finds faces; safe to call from several threads."""

    name: str

    def __init__(self) -> None:
        self._local = threading.local()

    def detect(self, picture: NDArray[np.uint8]) -> list[Found]:
        """Return the faces in `picture`, uint8 [h, w, 3] in OpenCV's order blue, green, red.

        Raises:
            ImageError: `detection_failed`, when OpenCV gives up.
        """
        try:
            if not hasattr(self._local, "opened"):
                cv2.setNumThreads(1)  # images are searched side by side already
                self._local.opened = self._open()
            return self._detect(self._local.opened, picture)
        except cv2.error as error:
            raise ImageError(
                "detection_failed", "%(name)s failed: %(reason)s", name=self.name, reason=error
            ) from error

    @abstractmethod
    def _open(self) -> Any:
        """Return OpenCV's object for this thread."""

    @abstractmethod
    def _detect(self, opened: Any, picture: NDArray[np.uint8]) -> list[Found]:
        """Return the faces that `opened` finds."""


class YuNet(Detector):
    """YuNet (Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector, 2023), by opencv_zoo."""

    name = "yunet_2023mar"

    def __init__(self, weights: bytes, confidence: float) -> None:
        super().__init__()
        self._weights = np.frombuffer(weights, dtype=np.uint8)
        self._confidence = confidence

    def _open(self) -> Any:
        return cv2.FaceDetectorYN.create(
            "onnx",
            self._weights,
            np.empty(0, dtype=np.uint8),
            (320, 320),
            self._confidence,
            _NMS_THRESHOLD,
            _MOST_CANDIDATES,
        )

    def _detect(self, opened: Any, picture: NDArray[np.uint8]) -> list[Found]:
        height, width = picture.shape[:2]
        opened.setInputSize((width, height))
        _, rows = opened.detect(picture)
        if rows is None:
            return []
        # Columns: the box, five landmarks, the score.
        # On pictures of a few pixels some are infinite.
        numbers: list[list[float]] = rows[np.isfinite(rows).all(axis=1)].tolist()
        return [Found(x, y, w, h, min(row[-1], 1.0)) for row in numbers for x, y, w, h in [row[:4]]]


class HaarCascade(Detector):
    """The cascade that comes with OpenCV 4: frontal faces only, and no measure of confidence."""

    name = "haarcascade_frontalface_alt2"

    def _open(self) -> Any:
        return cv2.CascadeClassifier(f"{haarcascades}{self.name}.xml")

    def _detect(self, opened: Any, picture: NDArray[np.uint8]) -> list[Found]:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        squares = opened.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(LEAST_SIDE, LEAST_SIDE)
        )
        wide, high, right, down = _HAAR_TO_FACE
        return [
            Found(
                x + side * (0.5 + right - wide / 2),
                y + side * (0.5 + down - high / 2),
                side * wide,
                side * high,
                None,
            )
            for x, y, side, _ in (map(float, square) for square in squares)
        ]


def load_detector(data: Path, confidence: float) -> Detector:
    """Return YuNet if its weights are installed below `data`, the Haar cascade otherwise.

    Raises:
        BundleError: `corrupt_detector`, when the weights are damaged.
    """
    weights = read_yunet(data)
    return HaarCascade() if weights is None else YuNet(weights, confidence)
