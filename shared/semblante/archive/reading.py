"""Reads the bytes of members that lie side by side with one ranged read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from semblante.archive.member import LocatedMember, Method
from semblante.archive.source import Source
from semblante.archive.unpack import READABLE_METHODS, unpack
from semblante.archive.zip_header import LOCAL_HEADER_BYTES, data_start
from semblante.errors import IMAGE_ERROR_CODES, ImageError

M = TypeVar("M", bound=LocatedMember)

MOST_SPAN_BYTES = 64 * 1024 * 1024
_USUAL_HEADER_BYTES = 256
"""Local header with name and extra fields; a longer one costs one more ranged read."""
_OVERHEAD_BYTES = 2048
"""What a member may need besides its bytes: headers and padding of a zip or a tar."""


class _Extent(NamedTuple):
    """A stretch of the source, and how many of its bytes are `needed`."""

    start: int
    end: int
    needed: int

    def join(self, other: _Extent) -> _Extent:
        """Return the stretch that holds both."""
        if not self.needed or not other.needed:
            return self if self.needed else other
        start, end = min(self.start, other.start), max(self.end, other.end)
        return _Extent(start, end, self.needed + other.needed)


_NOTHING = _Extent(0, 0, 0)


class _Span(NamedTuple):
    """Bytes of the source from `start`."""

    start: int
    data: memoryview

    def take(self, source: Source, start: int, length: int) -> memoryview:
        """Return `length` bytes from `start`, from the source where the span lacks them."""
        begin = start - self.start
        if begin >= 0 and begin + length <= len(self.data):
            return self.data[begin : begin + length]
        return memoryview(source.read(start, length))


def read_members(
    source: Source, members: Sequence[M], max_image_bytes: int
) -> Iterator[tuple[M, bytes | ImageError]]:
    """Yield every member, in the given order, with its bytes or with why it has none.

    Neighbours come with one ranged read of at most 64 MiB, as long as that brings at most twice
    the bytes that they need: hostile offsets cannot make it read what lies between. Nothing is
    unpacked beyond `max_image_bytes` or the size in the archive's directory; size and checksum
    are verified.
    """
    run: list[M] = []
    span = _NOTHING
    for member in members:
        is_readable = member.unpacked_bytes <= max_image_bytes and _is_plausible(member)
        extent = _extent(member, source.size) if is_readable else _NOTHING
        joined = span.join(extent)
        if joined.end - joined.start > min(2 * joined.needed, MOST_SPAN_BYTES):
            yield from _read_run(source, run, span, max_image_bytes)
            run, joined = [], extent
        run.append(member)
        span = joined
    yield from _read_run(source, run, span, max_image_bytes)


def _extent(member: LocatedMember, size: int) -> _Extent:
    """Return where the bytes of `member` begin and about where they end."""
    if not 0 <= member.offset < size:
        return _NOTHING
    header = 0 if member.method == Method.PLAIN else _USUAL_HEADER_BYTES
    end = min(member.offset + header + member.packed_bytes, size)
    return _Extent(member.offset, end, member.packed_bytes + _OVERHEAD_BYTES)


def _is_plausible(member: LocatedMember) -> bool:
    """Whether `member` may be read: no method makes the packed bytes much more than the image's."""
    most = member.unpacked_bytes + member.unpacked_bytes // 8 + 64 * 1024
    return member.error_code is None and 0 <= member.packed_bytes <= most


def _read_run(
    source: Source, run: Sequence[M], extent: _Extent, max_image_bytes: int
) -> Iterator[tuple[M, bytes | ImageError]]:
    length = extent.end - extent.start
    span = _Span(extent.start, memoryview(source.read(extent.start, length) if length else b""))
    for member in run:
        outcome: bytes | ImageError
        try:
            outcome = _read_member(source, span, member, max_image_bytes)
        except ImageError as error:
            outcome = error
        yield member, outcome


def _read_member(source: Source, span: _Span, member: LocatedMember, max_image_bytes: int) -> bytes:
    if member.error_code is not None:
        raise _known(member.error_code)
    if member.unpacked_bytes == 0:
        raise ImageError("unsupported_format", "The file is empty.")
    if member.unpacked_bytes > max_image_bytes:
        raise _known("too_large")
    if member.method not in READABLE_METHODS:
        raise _known("unsupported_compression")
    if not _is_plausible(member):
        raise ImageError("corrupt_member", "The member's packed size is impossible.")
    start: int | None = member.offset
    if member.method != Method.PLAIN:
        start = data_start(span.take(source, member.offset, LOCAL_HEADER_BYTES), member.offset)
    if start is None:
        raise ImageError("corrupt_member", "The member is not where the directory says.")
    packed = span.take(source, start, member.packed_bytes)
    if len(packed) < member.packed_bytes:
        raise _known("truncated_member")
    return unpack(packed, member.method, member.unpacked_bytes, member.crc32)


def _known(code: str) -> ImageError:
    return ImageError(code, IMAGE_ERROR_CODES[code])
