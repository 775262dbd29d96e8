"""Ranged reads over the bytes of an upload, and a window that makes small reads cheap."""

from __future__ import annotations

from typing import Protocol

LEAST_WINDOW = 32 * 1024
MOST_WINDOW = 1024 * 1024


class Source(Protocol):
    """The bytes of an upload, wherever they are stored."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`; fewer only at the end of the source."""


class BytesSource:
    """A source in memory: one image of a request, or a test."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`; fewer only at the end of the source."""
        return self._data[start : start + length]


class BufferedSource:
    """A source whose small reads come from a window of an underlying source.

    The window grows to 1 MiB while reads go forward without gaps, and shrinks to 32 KiB after a
    jump: sequential reads cost one ranged read per MiB, scattered ones do not bring the data
    between them.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size
        self._start = 0
        self._window = b""
        self._length = LEAST_WINDOW

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`; fewer only at the end of the source."""
        begin = start - self._start
        if not (begin >= 0 and begin + length <= len(self._window)):
            self._move(start, length)
            begin = start - self._start
        return self._window[begin : begin + length]

    def _move(self, start: int, length: int) -> None:
        gap = start - (self._start + len(self._window))
        is_near = start >= self._start and gap < LEAST_WINDOW
        self._length = min(self._length * 2, MOST_WINDOW) if is_near else LEAST_WINDOW
        self._window = self._source.read(start, max(length, self._length))
        self._start = start
