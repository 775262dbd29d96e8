"""Unpacks a tar.gz, so that the members of the plain tar can be read by ranged reads."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from semblante.archive.directory import corrupt
from semblante.archive.member import too_large_unpacked
from semblante.archive.source import MOST_WINDOW, Source
from semblante.message import Message

_GZIP = zlib.MAX_WBITS | 16
_FIRST_BYTE = b"\x1f"


def unpack_gzip(source: Source, max_unpacked_bytes: int) -> Iterator[bytes]:
    """Yield the unpacked bytes of the gzip file in `source`, at most 1 MiB at a time (RFC 1952).

    Several gzip members one after the other are one file; zeros behind them are padding. What
    does not begin like another member ends the file, as gzip itself has it.

    Raises:
        ArchiveError: `corrupt_archive` or `too_large_unpacked`.
    """
    total = 0
    for block in _unpacked(source):
        total += len(block)
        if total > max_unpacked_bytes:
            raise too_large_unpacked(max_unpacked_bytes)
        yield block


def gzip_head(source: Source, length: int) -> bytes:
    """Return the first `length` unpacked bytes; fewer when there are no more or no good ones."""
    packed = source.read(0, 64 * 1024)
    try:
        return zlib.decompressobj(_GZIP).decompress(packed, length)
    except zlib.error:
        return b""


def _unpacked(source: Source) -> Iterator[bytes]:
    blocks = _blocks(source)
    packed = next(blocks, b"")
    while packed:
        decoder = zlib.decompressobj(_GZIP)
        while not decoder.eof:
            packed = packed or next(blocks, b"")
            if not packed:
                raise corrupt(Message("its gzip bytes are truncated"))
            try:
                yield decoder.decompress(packed, MOST_WINDOW)
            except zlib.error as error:
                raise corrupt(
                    Message("its gzip bytes are damaged (%(reason)s)", reason=error)
                ) from error
            packed = decoder.unconsumed_tail
        packed = _after_padding(decoder.unused_data, blocks)
        if not packed.startswith(_FIRST_BYTE):
            return


def _after_padding(packed: bytes, blocks: Iterator[bytes]) -> bytes:
    packed = packed.lstrip(b"\0")
    while not packed:
        block = next(blocks, b"")
        if not block:
            break
        packed = block.lstrip(b"\0")
    return packed


def _blocks(source: Source) -> Iterator[bytes]:
    for position in range(0, source.size, MOST_WINDOW):
        yield source.read(position, MOST_WINDOW)
