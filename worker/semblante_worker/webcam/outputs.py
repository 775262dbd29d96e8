"""Where annotated frames go: a window, a video, a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2

from semblante.emotions import Emotion
from semblante.errors import Refused, Unavailable
from semblante_worker.webcam.source import Frame, Pixels
from semblante_worker.webcam.tracks import Track

TITLE = "Semblante"
ESCAPE = 27
CODECS = {".mp4": "mp4v", ".avi": "MJPG"}

TABLE_BEFORE = ("frame", "seconds", "face", "emotion", "confidence")
TABLE_AFTER = ("face_x", "face_y", "face_w", "face_h", "face_confidence")


class Output(Protocol):
    """Takes frames one after another."""

    def write(self, frame: Frame, tracks: Sequence[Track]) -> bool:
        """Take an annotated frame and its faces; return whether to go on."""

    def close(self) -> None:
        """Finish what was written."""


class Window:
    """A window on the screen; q, Escape or closing it ends the run."""

    def __init__(self) -> None:
        """Open it; raises Unavailable: `component_missing`, where there is no screen."""
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise Unavailable(
                "component_missing",
                "This OpenCV cannot open a window. Install opencv-python in the place of "
                "opencv-python-headless, on a machine with a screen, or write a file with -o "
                "or --csv.",
            ) from error

    def write(self, frame: Frame, tracks: Sequence[Track]) -> bool:  # noqa: ARG002
        """Show the frame."""
        cv2.imshow(TITLE, frame.pixels)
        key = cv2.waitKey(1) & 0xFF
        is_open = cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1
        return is_open and key not in (ord("q"), ESCAPE)

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()


class VideoFile:
    """An annotated video; its form follows from the name's ending."""

    def __init__(self, path: Path, rate: float, *, is_timed: bool = False) -> None:
        """Prepare; raises Refused: `invalid_request`, for an unknown ending.

        With `is_timed`, frames are repeated or left out so that each is seen at its time.
        """
        if path.suffix.lower() not in CODECS:
            raise Refused("invalid_request", f"{path}: name a file that ends in .mp4 or .avi.")
        self._path, self._rate, self._is_timed = path, rate, is_timed
        self._writer: Any = None
        self._written = 0

    def write(self, frame: Frame, tracks: Sequence[Track]) -> bool:  # noqa: ARG002
        """Add the frame; raises Refused: `invalid_request`, when it cannot be written."""
        if self._writer is None:
            self._writer = self._open(frame.pixels)
        for _ in range(self._due(frame)):
            self._writer.write(frame.pixels)
            self._written += 1
        return True

    def close(self) -> None:
        """Write the end of the file."""
        if self._writer is not None:
            self._writer.release()

    def _due(self, frame: Frame) -> int:
        if not self._is_timed:
            return 1
        return max(round(frame.seconds * self._rate) + 1 - self._written, 0)

    def _open(self, pixels: Pixels) -> Any:
        height, width = pixels.shape[:2]
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._path), codec, self._rate, (width, height))
        if not writer.isOpened():
            raise Refused("invalid_request", f"{self._path} cannot be written.")
        return writer


class TableFile:
    """A CSV with a row per face that was found in a frame; its columns are in docs/webcam.md."""

    def __init__(self, path: Path, classes: Sequence[Emotion]) -> None:
        """Open the file; raises OSError."""
        self._classes = classes
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(table_header(classes))

    def write(self, frame: Frame, tracks: Sequence[Track]) -> bool:
        """Add the rows of a frame."""
        for track in tracks:
            if track.missed:
                continue
            best = int(track.probabilities.argmax())
            confidence = "" if track.confidence is None else f"{track.confidence:.4f}"
            self._writer.writerow(
                [
                    frame.number,
                    f"{frame.seconds:.3f}",
                    track.number,
                    self._classes[best].id,
                    f"{track.probabilities[best]:.4f}",
                    *(f"{value:.4f}" for value in track.probabilities),
                    *(round(float(side)) for side in track.box),
                    confidence,
                ]
            )
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def table_header(classes: Sequence[Emotion]) -> list[str]:
    """Return the columns of the table."""
    return [*TABLE_BEFORE, *(emotion.id for emotion in classes), *TABLE_AFTER]
