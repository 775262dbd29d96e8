"""Faces over time: boxes of one frame are matched with those before, and their figures smoothed.

The live page does the same in the browser, with the same figures (static/app/tracks.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_OVERLAP = 0.3
"""Intersection over union from which two boxes are the same face."""
BOX_WEIGHT = 0.6
"""Of the newest frame."""
LABEL_WEIGHT = 0.35
MISSED_FRAMES = 4
"""For which a face that is not found is still shown."""

Numbers = NDArray[np.float64]


@dataclass
class Track:
    """A face: `box` is x, y, width, height; `probabilities` sum to 1; both are smoothed."""

    number: int
    box: Numbers
    probabilities: Numbers
    confidence: float | None
    """The detector's, in the newest frame."""
    missed: int = 0


class Tracks:
    """The faces of a video, numbered from 1 as they appear."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._next = 1

    def update(self, faces: Sequence[tuple[Numbers, Numbers, float | None]]) -> Sequence[Track]:
        """Take the (box, probabilities, confidence) of the newest frame; return what to show."""
        free = list(faces)
        for track in self._tracks:
            best = max(free, key=lambda face: _overlap(track.box, face[0]), default=None)
            if best is None or _overlap(track.box, best[0]) < LEAST_OVERLAP:
                track.missed += 1
                continue
            free = [face for face in free if face is not best]
            track.box += (best[0] - track.box) * BOX_WEIGHT
            track.probabilities += (best[1] - track.probabilities) * LABEL_WEIGHT
            track.confidence, track.missed = best[2], 0
        self._tracks = [track for track in self._tracks if track.missed <= MISSED_FRAMES]
        for box, probabilities, confidence in free:
            self._tracks.append(Track(self._next, box.copy(), probabilities.copy(), confidence))
            self._next += 1
        return self._tracks


def _overlap(a: Numbers, b: Numbers) -> float:
    corner = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.clip(corner, 0, None)))
    return both / max(float(a[2] * a[3] + b[2] * b[3]) - both, 1e-9)
