"""A file that is sent while it is written: what a writer puts in is taken out in blocks."""

from __future__ import annotations

import io
from collections.abc import Iterator


class Sink(io.RawIOBase):
    """Where zipfile and pyarrow write: an unseekable stream that keeps what was not taken yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def writable(self) -> bool:
        """Whether it takes bytes; it does."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Keep `data`."""
        self._buffer += data
        return len(data)

    def drain(self, least: int) -> Iterator[bytes]:
        """Yield what was written, if it is at least `least` bytes."""
        if len(self._buffer) >= least:
            yield bytes(self._buffer)
            self._buffer.clear()
