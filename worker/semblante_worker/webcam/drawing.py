"""Boxes and labels drawn into a frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from semblante.emotions import Emotion, Language
from semblante_worker.webcam.source import Pixels
from semblante_worker.webcam.tracks import Track

COLOURS = {
    "surprise": (12, 137, 232),
    "fear": (214, 92, 124),
    "disgust": (31, 154, 92),
    "happiness": (11, 184, 229),
    "sadness": (214, 130, 59),
    "anger": (69, 69, 214),
    "neutral": (151, 139, 127),
}
"""Blue, green, red; those of the pages."""
_OTHER = (144, 116, 14)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(
    pixels: Pixels, tracks: Sequence[Track], classes: Sequence[Emotion], language: Language
) -> None:
    """Draw each face's box, and its label with the confidence above it."""
    scale = max(0.5, pixels.shape[1] / 1000)
    thickness = max(1, round(2 * scale))
    for track in tracks:
        best = int(track.probabilities.argmax())
        emotion = classes[best]
        colour = COLOURS.get(emotion.id, _OTHER)
        x, y, w, h = (round(float(side)) for side in track.box)
        cv2.rectangle(pixels, (x, y), (x + w, y + h), colour, thickness)
        text = f"{emotion.name(language)} {track.probabilities[best]:.0%}"
        (wide, high), below = cv2.getTextSize(text, _FONT, scale, thickness)
        top = max(y - high - 2 * below, 0)
        corner = (x + wide + below, top + high + 2 * below)
        cv2.rectangle(pixels, (x, top), corner, colour, cv2.FILLED)
        place = (x + below // 2, top + high + below // 2)
        cv2.putText(pixels, text, place, _FONT, scale, (255, 255, 255), thickness, cv2.LINE_AA)
