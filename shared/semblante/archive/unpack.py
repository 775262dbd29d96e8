"""Unpacks the bytes of one member, never to more bytes than its directory entry promises."""

from __future__ import annotations

import bz2
import lzma
import struct
import sys
import zlib
from collections.abc import Callable
from functools import partial
from typing import Protocol

from inflate64 import Inflater

from semblante.archive.member import Method
from semblante.errors import ImageError
from semblante.message import Message

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LZMA_HEADER = struct.Struct("<2xHBL")
_LEAST_DICTIONARY = 4096
_XZ_MEMORY_BYTES = 128 * 1024 * 1024
_ZSTANDARD_WINDOW_LOG = 27
"""A window of 128 MiB, what Zstandard's own tools accept and the strongest usual setting needs."""
_INFLATE64_SLICE = 256
"""Packed bytes per call: it knows no bound, and one byte may unpack to 29 KB."""
_MOST_STREAMS = 100
"""Of one member, each of which copies what follows it. Usual ones hold about a megabyte."""
_DAMAGE = (
    zlib.error,
    lzma.LZMAError,
    zstd.ZstdError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
)


class _Decompressor(Protocol):
    """One stream's, as the standard library's modules have them."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """What follows its end."""

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        """Return at most `max_length` unpacked bytes."""


def unpack(
    packed: bytes | memoryview, method: int, unpacked_bytes: int, crc32: int | None
) -> bytes:
    """Return the `unpacked_bytes` bytes that `packed` holds, checked against `crc32`.

    Raises:
        ImageError: `unsupported_compression`, `corrupt_member` or `crc_mismatch`.
    """
    data = unpack_head(packed, method, unpacked_bytes + 1)
    if len(data) != unpacked_bytes:
        raise _corrupt(Message("its size differs from the one in the directory"))
    if crc32 is not None and zlib.crc32(data) != crc32:
        raise ImageError("crc_mismatch", "The member does not match its checksum.")
    return data


def unpack_head(packed: bytes | memoryview, method: int, length: int) -> bytes:
    """Return at most the first `length` unpacked bytes; fewer where `packed` gives no more.

    Raises:
        ImageError: `unsupported_compression` or `corrupt_member`.
    """
    decode = _DECODERS.get(method)
    if decode is None:
        raise ImageError(
            "unsupported_compression",
            "Zip's compression method %(method)s is not read.",
            method=method,
        )
    try:
        return decode(packed, length)
    except _DAMAGE as error:
        raise _corrupt(Message("%(reason)s", reason=error)) from error


def _copy(packed: bytes | memoryview, length: int) -> bytes:
    return bytes(packed[:length])


def _inflate(packed: bytes | memoryview, length: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, length)


def _inflate64(packed: bytes | memoryview, length: int) -> bytes:
    inflater = Inflater()
    data = bytearray()
    for at in range(0, len(packed), _INFLATE64_SLICE):
        data += inflater.inflate(packed[at : at + _INFLATE64_SLICE])
        if inflater.eof or len(data) >= length:
            break
    return bytes(data[:length])


def _unpack_bzip2(packed: bytes | memoryview, length: int) -> bytes:
    return _unpack_streams(bz2.BZ2Decompressor, packed, length)


def _unpack_zstandard(packed: bytes | memoryview, length: int) -> bytes:
    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTANDARD_WINDOW_LOG}
    return _unpack_streams(partial(zstd.ZstdDecompressor, options=options), packed, length)


def _unpack_xz(packed: bytes | memoryview, length: int) -> bytes:
    start = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)
    return _unpack_streams(start, packed, length)


def _unpack_streams(
    start: Callable[[], _Decompressor], packed: bytes | memoryview, length: int
) -> bytes:
    """Unpack streams one behind the other, as programs that pack on many cores write them.

    Rubbish behind a whole stream is left alone: the size tells whether something is missing.
    """
    data, rest = b"", packed
    for number in range(_MOST_STREAMS):
        decompressor = start()
        try:
            data += decompressor.decompress(rest, length - len(data))
        except _DAMAGE:
            if number == 0:
                raise
            break
        rest = decompressor.unused_data
        if not decompressor.eof or not rest or len(data) >= length:
            break
    return data


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


_DECODERS: dict[int, Callable[[bytes | memoryview, int], bytes]] = {
    Method.PLAIN: _copy,
    Method.STORED: _copy,
    Method.DEFLATED: _inflate,
    Method.DEFLATED64: _inflate64,
    Method.BZIP2: _unpack_bzip2,
    Method.LZMA: _unpack_lzma,
    Method.ZSTANDARD: _unpack_zstandard,
    Method.XZ: _unpack_xz,
}
READABLE_METHODS = frozenset(_DECODERS)


def _corrupt(what: Message) -> ImageError:
    return ImageError("corrupt_member", "The member cannot be unpacked: %(what)s.", what=what)
