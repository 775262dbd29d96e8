"""An archive of small noisy pictures, large enough that a job over it can be interrupted."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

from PIL import Image as Picture

IMAGES = 600
"""Good pictures in the archive; one more is broken."""


def write_archive(path: Path) -> None:
    """Write a zip of pictures, one broken, with names that need care, and a text."""
    noise = random.Random(7)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(IMAGES):
            pixels = noise.randbytes(16 * 16)
            buffer = io.BytesIO()
            Picture.frombytes("L", (16, 16), pixels).resize((48, 48)).save(buffer, "JPEG")
            archive.writestr(f"niños {number % 7}/cara {number}.jpg", buffer.getvalue())
        archive.writestr("broken.jpg", buffer.getvalue()[:300])
        archive.writestr("notes.txt", "no image")
