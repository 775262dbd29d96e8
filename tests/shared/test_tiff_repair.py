"""TIFF with samples of 32 bits."""

from __future__ import annotations

import struct

import pytest

from semblante.picture import open_picture, to_grey

UNSIGNED, SIGNED = 1, 2


@pytest.mark.parametrize(
    ("samples", "kind", "grey"),
    [
        ((0, 2**31, 2**32 - 1), UNSIGNED, (0, 128, 255)),
        ((0, 2**30, 2**31 - 1), UNSIGNED, (0, 128, 255)),
        ((-5, 2**30, 2**31 - 1), SIGNED, (0, 128, 255)),
        ((0, 100, 255), UNSIGNED, (0, 100, 255)),
    ],
)
def test_the_levels_of_wide_samples_keep_their_order(
    samples: tuple[int, ...], kind: int, grey: tuple[int, ...]
) -> None:
    picture = open_picture(tiff(samples, kind), 100)
    assert tuple(to_grey(picture).tobytes()) == grey


def test_the_picture_is_turned_upright_all_the_same() -> None:
    picture = open_picture(tiff((0, 2**31, 2**32 - 1), UNSIGNED, orientation=3), 100)
    assert tuple(to_grey(picture).tobytes()) == (255, 128, 0)


def tiff(samples: tuple[int, ...], kind: int, orientation: int = 1) -> bytes:
    """Return one row of grey samples of 32 bits (TIFF 6.0, section 2)."""
    data = struct.pack("<3" + ("L" if kind == UNSIGNED else "l"), *samples)
    short, long = 3, 4
    fields = [
        (256, long, 3),
        (257, long, 1),
        (258, short, 32),
        (259, short, 1),
        (262, short, 1),
        (273, long, 8),
        (274, short, orientation),
        (277, short, 1),
        (278, long, 1),
        (279, long, len(data)),
        (339, short, kind),
    ]
    entries = b"".join(struct.pack("<HHLL", tag, form, 1, value) for tag, form, value in fields)
    directory = struct.pack("<H", len(fields)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<L", 8 + len(data)) + data + directory
