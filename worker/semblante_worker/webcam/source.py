"""Frames of a camera or a video file, by OpenCV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from semblante.errors import Refused, Unavailable

Pixels = NDArray[np.uint8]
"""uint8 [h, w, 3], blue first, as OpenCV has it."""

CAMERA_RATE = 15.0
"""Frames per second of a written video where a camera or video does not tell its own."""

MOST_RATE = 240
"""Above it a video tells the unit of its times, not a rate."""


@dataclass(frozen=True)
class Frame:
    """A picture and its time in seconds: in the video, or since the camera was opened."""

    number: int
    seconds: float
    pixels: Pixels


class FrameSource:
    """An open camera or video."""

    def __init__(self, name: str) -> None:
        """Open the camera with this number, or the file.

        Raises:
            Unavailable: `camera_unavailable`.
            Refused: `unreadable_video`.
        """
        # What OpenCV would print is said by our errors.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self.name = name
        self.is_camera = name.isascii() and name.isdigit()
        self._capture = _open_camera(int(name)) if self.is_camera else _open_video(Path(name))
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.is_rate_known = 0 < rate <= MOST_RATE
        self.rate = rate if self.is_rate_known else CAMERA_RATE
        self.announced = 0 if self.is_camera else int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        """Frames that a video says it has, some forms by estimate; 0 where it does not say."""

    def frames(self) -> Iterator[Frame]:
        """Yield the frames until the video ends.

        Raises:
            Unavailable: `camera_unavailable`, when the camera goes away.
            Refused: `unreadable_video`, when not even the first frame can be decoded.
        """
        began = cv2.getTickCount()
        number = 0
        while True:
            is_read, pixels = self._capture.read()
            if not is_read:
                self._check_end(number)
                return
            passed = (cv2.getTickCount() - began) / cv2.getTickFrequency()
            seconds = passed if self.is_camera else self._position(number)
            yield Frame(number, seconds, np.asarray(pixels, np.uint8))
            number += 1

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()

    def _position(self, number: int) -> float:
        """Return when the frame is shown: those of telephones do not come at one rate."""
        position = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return position if position > 0 else number / self.rate

    def _check_end(self, frames: int) -> None:
        if self.is_camera:
            raise Unavailable(
                "camera_unavailable",
                f"Camera {self.name} was disconnected or switched off after {frames} frames.",
            )
        if frames == 0:
            raise _unreadable(Path(self.name), "no frame of it can be decoded")


def _open_camera(number: int) -> Any:
    device = Path(f"/dev/video{number}")
    if device.exists() and not os.access(device, os.R_OK | os.W_OK):
        raise Unavailable(
            "camera_unavailable",
            f"This user may not use {device}: add the user to its group, usually `video`.",
        )
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise Unavailable(
            "camera_unavailable",
            f"There is no camera {number}, or another program uses it. A video file works, too.",
        )
    return capture


def _open_video(path: Path) -> Any:
    if not path.is_file():
        raise _unreadable(path, "there is no such file")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise _unreadable(path, "OpenCV reads no video of this form")
    return capture


def _unreadable(path: Path, reason: str) -> Refused:
    return Refused("unreadable_video", f"{path}: {reason}.")
