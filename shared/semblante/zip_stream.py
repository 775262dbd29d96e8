"""A zip of stored members as a stream of blocks, the same bytes on every run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1024 * 1024
TIMESTAMP = (1980, 1, 1, 0, 0, 0)
"""The same for all members: the time a file was copied must not change the archive."""


@dataclass(frozen=True)
class PackedFile:
    """An image on this machine, and the name that it gets in the zip and in the CSV."""

    name: str
    path: Path
    size: int
    mtime_ns: int


def zip_blocks(files: Iterable[PackedFile]) -> Iterator[bytes]:
    """Yield the zip in blocks of about 1 MiB; at most one block is in memory.

    A file that cannot be read any more is packed empty: it becomes a failed row and is not lost.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            member = zipfile.ZipInfo(file.name, TIMESTAMP)
            member.external_attr = 0o644 << 16
            member.file_size = file.size
            with archive.open(member, "w") as target:
                for block in _blocks_of(file):
                    target.write(block)
                    yield from sink.drain(BLOCK_BYTES)
    yield from sink.drain(1)


def _blocks_of(file: PackedFile) -> Iterator[bytes]:
    """Yield the file's bytes, never more than were there when it was found."""
    left = file.size
    try:
        with file.path.open("rb", buffering=0) as source:
            while left and (block := source.read(min(left, BLOCK_BYTES))):
                left -= len(block)
                yield block
    except OSError:
        return


class _Sink(io.RawIOBase):
    """Where zipfile writes: an unseekable stream whose bytes are taken away in blocks."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._buffer += data
        return len(data)

    def drain(self, least: int) -> Iterator[bytes]:
        """Yield what was written, if it is at least `least` bytes."""
        if len(self._buffer) >= least:
            yield bytes(self._buffer)
            self._buffer.clear()
