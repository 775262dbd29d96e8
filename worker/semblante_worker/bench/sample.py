"""Pictures to measure with: generated ones, or those of an archive."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from semblante.archive.magic import MAGIC_BYTES, looks_like_image

DIFFERENT_PICTURES = 16
MOST_SAMPLED = 2_000
MOST_SAMPLED_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Sample:
    """An archive, how many images it holds, and the files of some of them, in memory."""

    name: str
    archive: Path
    images: int
    files: list[bytes]


def generate_sample(width: int, height: int, images: int, folder: Path) -> Sample:
    """Write a zip of JPEGs (quality 90) of no people: smooth shapes and a little noise.

    `DIFFERENT_PICTURES` are drawn, by a fixed seed; each member differs by a comment in its bytes,
    so that no step can leave repeated images out.
    """
    pictures = [_draw(width, height, seed) for seed in range(DIFFERENT_PICTURES)]
    path = folder / f"{width}x{height}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(images):
            data = _with_comment(pictures[number % len(pictures)], number)
            archive.writestr(f"{number // 1000}/{number}.jpg", data)
    return read_sample(path, f"{width}x{height}")


def read_sample(path: Path, name: str | None = None) -> Sample:
    """Return a zip as it is; the sample is its first images, as far as they fit into memory."""
    files: list[bytes] = []
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        size = 0
        for data in _read(archive, members):
            files.append(data)
            size += len(data)
            if len(files) == MOST_SAMPLED or size > MOST_SAMPLED_BYTES:
                break
    return Sample(name or path.name, path, len(members), files)


def _read(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> Iterator[bytes]:
    for member in members:
        data = archive.read(member)
        if looks_like_image(data[:MAGIC_BYTES]):
            yield data


def _draw(width: int, height: int, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = random.normal(0, 6, (height, width, 3))
    pixels = np.clip(np.asarray(smooth, dtype=np.float64) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _with_comment(jpeg: bytes, number: int) -> bytes:
    """Insert a comment segment (ITU-T T.81, B.2.4.5) after the start of the image."""
    text = str(number).encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + jpeg[2:]
