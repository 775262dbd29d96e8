"""Packs several files into one zip (stored, not compressed), streamed: the upload of a job."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO

BLOCK_BYTES = 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The only date a zip of ours knows: the same files give the same bytes."""


class _Sink(io.RawIOBase):
    """Keeps what the zip writer wrote until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Keep a copy of `data`, a buffer."""
        part = bytes(memoryview(data))  # type: ignore[arg-type]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zip_blocks(files: Iterable[tuple[str, IO[bytes]]]) -> Iterator[bytes]:
    """Yield the bytes of a zip of `files` (name with folders, content), in the given order."""
    sink = _Sink()
    names: set[str] = set()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            member = zipfile.ZipInfo(free_name(name, names), EPOCH)
            with archive.open(member, "w", force_zip64=True) as target:
                while block := content.read(BLOCK_BYTES):
                    target.write(block)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def free_name(name: str, taken: set[str]) -> str:
    """Return `name`, numbered when it is in `taken` (two folders' `a.jpg`), and take it."""
    clean = name.replace("\\", "/").replace("\0", "").strip("/") or "image"
    path = PurePosixPath(clean)
    number = 2
    while clean in taken:
        clean = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        number += 1
    taken.add(clean)
    return clean


def pack_name(names: Iterable[str]) -> str:
    """Return a name for the zip: the folder that all `names` share, else `images.zip`."""
    tops = {name.replace("\\", "/").strip("/").split("/")[0] for name in names if "/" in name}
    is_shared = len(tops) == 1 and all("/" in name for name in names)
    return f"{tops.pop()}.zip" if is_shared else "images.zip"
