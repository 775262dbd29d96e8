"""Small data sets for tests: pictures that are told apart by their brightness."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def picture(level: int, number: int, side: int = 20) -> bytes:
    """Return a PNG of noise around `level`; each `number` is another picture."""
    noise = np.random.default_rng(number).integers(-20, 21, (side, side, 3))
    pixels = np.clip(noise + level, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(folders: Mapping[str, int], side: int = 20) -> dict[str, bytes]:
    """Return pictures by path: so many in each folder, the folders of different brightness."""
    return {
        f"{folder}/{number:03}.png": picture(40 + 170 * place // max(len(folders) - 1, 1), n, side)
        for place, (folder, count) in enumerate(folders.items())
        for n, number in ((1000 * place + number, number) for number in range(count))
    }


def write_folder(folder: Path, folders: Mapping[str, int], side: int = 20) -> Path:
    """Write pictures into folders; a folder of 0 pictures is made, too."""
    for name in folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path, data in pictures(folders, side).items():
        (folder / path).write_bytes(data)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
