"""PNGs with odd chunks, each with its code or None (`hostile.pictures`)."""

from __future__ import annotations

import zlib

import numpy as np

from hostile.pictures import SCENE, Case, chunk, png

GREY = np.asarray(SCENE)
ROWS = b"".join(b"\0" + row.tobytes() for row in GREY)
PACKED = zlib.compress(ROWS)
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
"""Adam7's x, y and steps, but for the last pass."""
BAD: dict[bytes, tuple[bytes, ...]] = {
    b"gAMA": (bytes(4), b"\0"),
    b"cHRM": (bytes(32), b"\0"),
    b"pHYs": (bytes(9), b"\1"),
    b"sRGB": (b"\x09", b""),
    b"bKGD": (b"\0",),
    b"tIME": (b"\xff" * 7,),
    b"sBIT": (b"",),
    b"eXIf": (b"", b"MM\0*\xff\xff\xff\xff"),
    b"iTXt": (b"\0\0\0", b"k\0\1\x09\0\0x"),
    b"zTXt": (b"", b"k\0\x09xx"),
    b"iCCP": (b"", b"x\0\x09aa", b"x" * 80),
    b"acTL": (b"\0", bytes(8), b"\x7f\xff\xff\xff" * 2),
    b"fcTL": (bytes(26),),
    b"fdAT": (bytes(30),),
    b"tEXt": (b"", b"x" * 90),
    b"\xff\xfe\xfd\xfc": (b"x",),
}


def _interlaced() -> bytes:
    passes = [*PASSES, (0, 1, 1, 2)]
    rows = (row for x, y, across, down in passes for row in GREY[y::down, x::across])
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    plain = png(data)
    header = plain[12:28] + b"\1"
    return plain[:12] + header + zlib.crc32(header).to_bytes(4, "big") + plain[33:]


def _of(*parts: bytes) -> bytes:
    """Return the scene with these chunks in place of its pixels."""
    return png(b"")[:33] + b"".join(parts) + chunk(b"IEND", b"")


CASES: dict[str, Case] = {
    **{
        f"{name!r} {number} before the pixels": (png(ROWS, extra=chunk(name, body)), None)
        for name, bodies in BAD.items()
        for number, body in enumerate(bodies)
    },
    **{
        f"{name!r} {number} behind the pixels": (png(ROWS, behind=chunk(name, body)), None)
        for name, bodies in BAD.items()
        for number, body in enumerate(bodies)
    },
    "interlaced": (_interlaced(), None),
    "pixels in chunks of a byte": (
        _of(*(chunk(b"IDAT", PACKED[at : at + 1]) for at in range(len(PACKED)))),
        None,
    ),
    "empty chunks between pixels": (
        _of(chunk(b"IDAT", PACKED[:50]), chunk(b"IDAT", b"") * 9, chunk(b"IDAT", PACKED[50:])),
        None,
    ),
    "text between pixels": (
        _of(chunk(b"IDAT", PACKED[:50]), chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", PACKED[50:])),
        None,
    ),
    "pixels without a checksum of their own": (_of(chunk(b"IDAT", PACKED[:-4])), None),
    "bytes behind the pixels": (_of(chunk(b"IDAT", PACKED + b"junk" * 9)), None),
    "a bomb behind the pixels": (
        _of(chunk(b"IDAT", zlib.compress(ROWS + bytes(20_000_000)))),
        None,
    ),
    "two headers": (png(ROWS, extra=png(b"")[8:33]), None),
    "text before the header": (png(ROWS)[:8] + chunk(b"tEXt", b"a\0b") + png(ROWS)[8:], None),
    "a length beyond the end": (png(ROWS, extra=b"\x7f\xff\xff\xfftEXtab"), "corrupt_image"),
    "a palette of ten bytes": (png(ROWS, colour=3, extra=chunk(b"PLTE", bytes(10))), None),
    "a palette too late": (png(ROWS, colour=3, behind=chunk(b"PLTE", bytes(768))), "corrupt_image"),
    "line ends changed": (png(ROWS).replace(b"\r\n", b"\n"), "unsupported_format"),
    "the signature alone": (png(ROWS)[:8], "corrupt_image"),
}
OTHER_SCENES = {"a palette of ten bytes"}
