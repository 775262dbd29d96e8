"""Packs bytes by every method that a zip's member may have and that is read."""

from __future__ import annotations

import bz2
import lzma
import struct
import sys
import zlib

from inflate64 import Deflater

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def pack(data: bytes, method: int) -> bytes:
    """Return `data` packed by zip's `method` (APPNOTE 4.4.5)."""
    if method == 8:
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(data) + packer.flush()
    if method == 9:
        deflater = Deflater()
        packed: bytes = deflater.deflate(data) + deflater.flush()
        return packed
    if method == 12:
        return bz2.compress(data)
    if method == 14:
        alone = lzma.compress(data, lzma.FORMAT_ALONE)
        return struct.pack("<BBH", 9, 4, 5) + alone[:5] + alone[13:]
    if method == 93:
        return zstd.compress(data)
    return lzma.compress(data) if method == 95 else data
