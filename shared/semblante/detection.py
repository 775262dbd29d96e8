"""Face detection as people ask for it."""

from __future__ import annotations

from typing import Literal, get_args

Detect = Literal["off", "auto", "on"]
DETECT_CHOICES: tuple[Detect, ...] = get_args(Detect)
DETECT_MEANING = (
    "Face detection: `off` takes each whole image as one face, `on` searches every image, "
    "`auto` takes small or face-filling images whole and searches the others."
)
