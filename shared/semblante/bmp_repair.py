"""Rewrites a BMP whose colours lie where Pillow does not look for them.

Windows's BMP names the bits of each colour by a mask; Pillow knows the usual ones and refuses the
others, as ImageMagick's 16-bit BMP with transparency, which every browser shows.
"""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<2s8xLLllHHL20x3L")
"""Sign, offset of the pixels, size of the header, width, height, planes, bits, kind, masks."""
_BY_MASKS = (3, 6)


def with_usual_masks(data: bytes, max_pixels: int) -> bytes | None:
    """Return the BMP `data` with 32 bits of blue, green and red for a pixel, without transparency.

    None when it is no BMP by masks, is cut, has more than `max_pixels` pixels, or a colour that
    lies in two bytes.
    """
    if len(data) < _HEADER.size:
        return None
    sign, offset, header, width, height, planes, bits, kind, *masks = _HEADER.unpack_from(data)
    if sign != b"BM" or header < 40 or kind not in _BY_MASKS or bits not in (16, 32):
        return None
    step, rows = bits // 8, abs(height)
    line = -(-width * step // 4) * 4
    if not 0 < width * rows <= max_pixels or len(data) < offset + line * rows:
        return None
    pixels = bytearray(4 * width * rows)
    for place, mask in enumerate(reversed(masks)):
        byte = next((byte for byte in range(step) if mask and not mask & ~(255 << 8 * byte)), None)
        if byte is None:
            return None
        samples = b"".join(
            data[start + byte : start + width * step : step]
            for start in range(offset, offset + line * rows, line)
        )
        pixels[place::4] = samples.translate(_levels(mask >> 8 * byte))
    head = struct.pack("<LHHL", 54 + len(pixels), 0, 0, 54)
    plain = struct.pack("<LllHHLLllLL", 40, width, height, planes, 32, 0, len(pixels), 0, 0, 0, 0)
    return b"BM" + head + plain + pixels


def _levels(mask: int) -> bytes:
    """Return the level of 0 to 255 that each byte means by the bits of `mask`."""
    return bytes((byte & mask) * 255 // mask for byte in range(256))
