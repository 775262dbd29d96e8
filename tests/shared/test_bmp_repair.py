"""BMPs whose colours lie at unusual bits show their own colours."""

from __future__ import annotations

import struct

import pytest

from hostile.bitmaps import bmp
from semblante.bmp_repair import with_usual_masks
from semblante.picture import open_picture

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (17, 34, 51)]


@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0xF00, 0xF0, 0xF)),
        (16, (0xF, 0xF0, 0xF00)),
        (16, (0xF000, 0xF00, 0xF0)),
        (32, (0xFF, 0xFF00, 0xFF0000)),
        (32, (0xFF00, 0xFF, 0xFF000000)),
        (32, (0x1F, 0x3F00, 0x1F0000)),
    ],
)
@pytest.mark.parametrize("width", [3, 2])
def test_every_colour_is_found_by_its_mask(
    bits: int, masks: tuple[int, int, int], width: int
) -> None:
    """Three pixels of 16 bits leave two bytes at the end of each line."""
    rows = [COLOURS[at : at + width] for at in range(0, 6, width)]
    lines = []
    for row in reversed(rows):
        values = (sum(_placed(*one) for one in zip(colour, masks, strict=True)) for colour in row)
        line = b"".join(value.to_bytes(bits // 8, "little") for value in values)
        lines.append(line + bytes(-len(line) % 4))
    data = bmp(bits, b"".join(lines), 3, struct.pack("<3L", *masks), width=width, height=len(rows))
    picture = open_picture(data, 6)
    shown = [picture.getpixel((x, y)) for y in range(len(rows)) for x in range(width)]
    expected = [colour for row in rows for colour in row]
    for found, colour in zip(shown, expected, strict=True):
        assert isinstance(found, tuple)
        assert found[:3] == pytest.approx(colour, abs=9)  # what 5 bits can tell


def _placed(level: int, mask: int) -> int:
    lowest = mask & -mask
    return level * (mask // lowest) // 255 * lowest


@pytest.mark.parametrize(
    "data",
    [
        b"BM",
        bmp(24, bytes(16), width=2, height=2),
        bmp(16, bytes(7), 3, struct.pack("<3L", 0xF00, 0xF0, 0xF), width=2, height=2),
        bmp(16, bytes(99), 3, struct.pack("<3L", 0xF00, 0xF0, 0xF), width=-2, height=2),
        bmp(16, bytes(99), 3, struct.pack("<3L", 0xF00, 0xF0, 0xF), width=9, height=9),
        bmp(32, bytes(16), 3, struct.pack("<3L", 0x3FF00000, 0xFFC00, 0x3FF), width=2, height=2),
    ],
    ids=["cut", "without masks", "cut pixels", "negative width", "too large", "ten bits"],
)
def test_nothing_is_made_of_others(data: bytes) -> None:
    assert with_usual_masks(data, 80) is None
