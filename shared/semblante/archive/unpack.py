"""Unpacks the bytes of one member, never to more bytes than its directory entry promises."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib

from semblante.archive.member import Method
from semblante.errors import ImageError

READABLE_METHODS = frozenset(int(method) for method in Method)
_LZMA_HEADER = struct.Struct("<2xHBL")
_LEAST_DICTIONARY = 4096


def unpack(
    packed: bytes | memoryview, method: int, unpacked_bytes: int, crc32: int | None
) -> bytes:
    """Return the `unpacked_bytes` bytes that `packed` holds, checked against `crc32`.

    Raises:
        ImageError: `unsupported_compression`, `corrupt_member` or `crc_mismatch`.
    """
    data = unpack_head(packed, method, unpacked_bytes + 1)
    if len(data) != unpacked_bytes:
        raise _corrupt("its size differs from the one in the directory")
    if crc32 is not None and zlib.crc32(data) != crc32:
        raise ImageError("crc_mismatch", "The member does not match its checksum.")
    return data


def unpack_head(packed: bytes | memoryview, method: int, length: int) -> bytes:
    """Return at most the first `length` unpacked bytes; fewer where `packed` gives no more.

    Raises:
        ImageError: `unsupported_compression` or `corrupt_member`.
    """
    try:
        if method in (Method.PLAIN, Method.STORED):
            return bytes(packed[:length])
        if method == Method.DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, length)
        if method == Method.BZIP2:
            return bz2.BZ2Decompressor().decompress(packed, length)
        if method == Method.LZMA:
            return _unpack_lzma(packed, length)
    except (zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError) as error:
        raise _corrupt(str(error)) from error
    raise ImageError("unsupported_compression", f"Zip's compression method {method} is not read.")


def _unpack_lzma(packed: bytes | memoryview, length: int) -> bytes:
    """Unpack zip's LZMA (APPNOTE 5.8.8): a version, the properties, then a raw LZMA1 stream."""
    properties_size, properties, dictionary = _LZMA_HEADER.unpack_from(packed)
    properties, literal_context = divmod(properties, 9)
    position, literal_position = divmod(properties, 5)
    decoder = lzma.LZMADecompressor(
        lzma.FORMAT_RAW,
        filters=[
            {
                "id": lzma.FILTER_LZMA1,
                # No distance in the stream can be longer than what comes out: a hostile header
                # must not allocate gigabytes.
                "dict_size": max(min(dictionary, length), _LEAST_DICTIONARY),
                "lc": literal_context,
                "lp": literal_position,
                "pb": position,
            }
        ],
    )
    return decoder.decompress(packed[4 + properties_size :], length)


def _corrupt(what: str) -> ImageError:
    return ImageError("corrupt_member", f"The member cannot be unpacked: {what}.")
