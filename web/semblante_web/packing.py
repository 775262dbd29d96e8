"""Packs the files of one request into one zip (stored, not compressed): the upload of a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO

from semblante.zip_stream import BLOCK_BYTES, zip_blocks


def pack(files: Iterable[tuple[str, IO[bytes]]]) -> Iterator[bytes]:
    """Yield the bytes of a zip of `files` (name with folders, content), in the given order."""
    names: set[str] = set()
    return zip_blocks((free_name(name, names), _blocks(content)) for name, content in files)


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


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    while block := content.read(BLOCK_BYTES):
        yield block
