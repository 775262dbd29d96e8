"""BMPs and GIFs that Pillow does not write, each with its code or None (`hostile.pictures`)."""

from __future__ import annotations

import struct

import numpy as np

from hostile.pictures import SCENE, SIDE, Case, saved

GREY = np.asarray(SCENE)
UPWARDS = GREY[::-1]
PALETTE = b"".join(bytes((level, level, level, 0)) for level in range(256))
RGB_PALETTE = b"".join(bytes((level, level, level)) for level in range(256))
_24 = np.repeat(UPWARDS[:, :, None], 3, 2).tobytes()
_32 = (UPWARDS.astype("<u4") * 0x10101).tobytes()
_5 = UPWARDS.astype("<u2") >> 3
_555 = (_5 * 0x421).tobytes()
_444 = ((UPWARDS.astype("<u2") >> 4) * 0x111).astype("<u2").tobytes()
_565 = (_5 << 11 | UPWARDS.astype("<u2") >> 2 << 5 | _5).astype("<u2").tobytes()


def bmp(bits: int, pixels: bytes, kind: int = 0, between: bytes = b"", **fields: int) -> bytes:
    """Return a BMP of `pixels` with Windows's header, and `between` it and them.

    Args:
        bits: Of a pixel.
        pixels: As they lie in the file.
        kind: Of compression.
        between: Masks or palette.
        fields: width, height, planes, used (colours), offset, file_bytes and pixel_bytes that lie.
    """
    facts = {"width": SIDE, "height": SIDE, "planes": 1, "used": 0} | fields
    offset = facts.get("offset", 54 + len(between))
    header = struct.pack(
        "<LllHHLLllLL",
        *(40, facts["width"], facts["height"], facts["planes"], bits, kind),
        *(facts.get("pixel_bytes", len(pixels)), 0, 0, facts["used"], 0),
    )
    size = facts.get("file_bytes", 54 + len(between) + len(pixels))
    return b"BM" + struct.pack("<LHHL", size, 0, 0, offset) + header + between + pixels


def _runs(rows: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """Return rows in BMP's run-length coding: each pixel is a run of its own."""
    lines = (b"".join(bytes((1, level)) for level in row) + b"\0\0" for row in rows)
    return b"".join(lines) + b"\0\1"


def _plain_runs() -> bytes:
    return b"".join(bytes((0, SIDE)) + row.tobytes() + b"\0\0" for row in UPWARDS) + b"\0\1"


def _core() -> bytes:
    """Return a BMP with OS/2's header of 12 bytes."""
    head = struct.pack("<LHHL", 0, 0, 0, 26) + struct.pack("<LHHHH", 12, SIDE, SIDE, 1, 24)
    return b"BM" + head + _24


BMP: dict[str, Case] = {
    "BMP 16 bits": (bmp(16, _555), None),
    "BMP 16 bits by masks": (bmp(16, _565, 3, struct.pack("<3L", 0xF800, 0x7E0, 0x1F)), None),
    "BMP 32 bits": (bmp(32, _32), None),
    "BMP 32 bits by masks": (bmp(32, _32, 3, struct.pack("<3L", 0xFF0000, 0xFF00, 0xFF)), None),
    "BMP with red first": (bmp(32, _32, 3, struct.pack("<3L", 0xFF, 0xFF00, 0xFF0000)), None),
    "BMP with the last byte unused": (
        bmp(32, b"\0" + _32[:-1], 3, struct.pack("<3L", 0xFF << 24, 0xFF0000, 0xFF00)),
        None,
    ),
    "BMP 12 bits": (bmp(16, _444, 3, struct.pack("<3L", 0xF00, 0xF0, 0xF)), None),
    "BMP 12 bits, odd width": (
        bmp(16, _444, 3, struct.pack("<3L", 0xF00, 0xF0, 0xF), width=SIDE - 1),
        None,
    ),
    "BMP 30 bits": (
        bmp(32, _32, 3, struct.pack("<3L", 0x3FF00000, 0xFFC00, 0x3FF)),
        "corrupt_image",
    ),
    "BMP by masks of nothing": (bmp(32, _32, 3, bytes(12)), None),
    "BMP by odd masks, cut": (
        bmp(16, _444[:-99], 3, struct.pack("<3L", 0xF00, 0xF0, 0xF)),
        "corrupt_image",
    ),
    "BMP of OS/2": (_core(), None),
    "BMP runs": (bmp(8, _runs(UPWARDS), 1, PALETTE), None),
    "BMP plain runs": (bmp(8, _plain_runs(), 1, PALETTE), None),
    "BMP runs without their end": (bmp(8, _runs(UPWARDS)[:-2], 1, PALETTE), None),
    "BMP runs that leap away": (bmp(8, b"\0\2\xff\xff" * 50 + b"\0\1", 1, PALETTE), None),
    "BMP runs cut": (bmp(8, _runs(UPWARDS)[:1000], 1, PALETTE), "corrupt_image"),
    "BMP of no planes": (bmp(24, _24, planes=0), None),
    "BMP without a file's size": (bmp(24, _24, file_bytes=0), None),
    "BMP without the pixels' size": (bmp(24, _24, pixel_bytes=0), None),
    "BMP with a gap": (bmp(24, bytes(10) + _24, offset=64), None),
    "BMP of pixels beyond the end": (bmp(24, _24, offset=10**6), "truncated_image"),
    "BMP of 5 bits": (bmp(5, bytes(9999)), "corrupt_image"),
    "BMP around a JPEG": (bmp(0, saved("JPEG"), 4), "corrupt_image"),
    "BMP of no such compression": (bmp(24, _24, 99), "corrupt_image"),
    "BMP without width": (bmp(24, b"", width=0), "corrupt_image"),
    "BMP of the least height": (bmp(24, b"", height=-(2**31)), "too_many_pixels"),
}  # fmt: skip


def gif(*blocks: bytes, screen: tuple[int, int] = (SIDE, SIDE), palette: bool = True) -> bytes:
    """Return a GIF of `blocks`, with a grey palette for all frames, or without."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0xF7 if palette else 0x77, 0, 0)
    return head + (RGB_PALETTE if palette else b"") + b"".join(blocks)


def frame(x: int = 0, y: int = 0, rows: int = SIDE, flags: int = 0, palette: bytes = b"") -> bytes:
    """Return a frame of the scene, coded without any saving."""
    bits, filled, coded = 0, 0, bytearray()
    codes: list[int] = []
    for number, level in enumerate(GREY[:rows].tobytes()):
        codes += [256, level] if number % 200 == 0 else [level]
    for code in [*codes, 257]:
        bits |= code << filled
        filled += 9
        while filled >= 8:
            coded.append(bits & 255)
            bits, filled = bits >> 8, filled - 8
    coded.append(bits & 255)
    parts = (bytes(coded[at : at + 255]) for at in range(0, len(coded), 255))
    body = b"\x08" + b"".join(bytes((len(part),)) + part for part in parts) + b"\0"
    return b"," + struct.pack("<HHHHB", x, y, SIDE, rows, flags) + palette + body


GIF: dict[str, Case] = {
    "GIF by hand": (gif(frame(), b";"), None),
    "GIF without an end": (gif(frame()), None),
    "GIF with a frame's own palette": (
        gif(frame(flags=0x87, palette=RGB_PALETTE), b";", palette=False),
        None,
    ),
    "GIF without a palette": (gif(frame(), b";", palette=False), None),
    "GIF of a frame beyond its screen": (gif(frame(), b";", screen=(32, 32)), None),
    "GIF without a screen": (gif(frame(), b";", screen=(0, 0)), None),
    "GIF of many comments": (gif(b"!\xfe\x05hello\0" * 999, frame(), b";"), None),
    "GIF of an unknown extension": (gif(b"!\x77\x03abc\0", frame(), b";"), None),
    "GIF with rubbish between": (gif(b"\0\0\0xyz", frame(), b";"), None),
    "GIF of a thousand frames": (gif(frame(), *[frame(rows=1)] * 999, b";"), None),
    "GIF with a later frame cut": (gif(frame(), frame()[:-300]), None),
    "GIF of comments alone": (gif(b"!\xfe\x05hello\0", b";"), "corrupt_image"),
}
CASES = {"BMP": BMP, "GIF": GIF}
OTHER_SCENES = {
    *("BMP 12 bits", "BMP 12 bits, odd width", "BMP 16 bits"),
    *("BMP by masks of nothing", "BMP runs that leap away"),
}
