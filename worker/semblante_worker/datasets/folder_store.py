"""The pictures in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from semblante.archive import Limits
from semblante.errors import ImageError, Refused
from semblante.packing import plan_packing
from semblante_worker.datasets.picture_store import GENEROUS, Content, unreadable


class FolderStore:
    """A folder on this machine; unless it is listed, pictures are found by their paths only."""

    def __init__(self, folder: Path, limits: Limits = GENEROUS, *, is_listed: bool = True) -> None:
        self._folder = folder
        self._max_image_bytes = limits.max_image_bytes
        self._files = _files(folder) if is_listed else {}
        self.pictures = tuple(self._files)
        self.folders = tuple(_folders(folder)) if is_listed else ()

    def has(self, path: str) -> bool:
        """See `PictureStore`."""
        try:
            return self._find(path).is_file()
        except OSError:  # a name longer than one can be
            return False

    def read(self, path: str) -> bytes:
        """See `PictureStore`."""
        try:
            with self._find(path).open("rb") as file:
                data = file.read(self._max_image_bytes + 1)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise unreadable("unreadable_file") from error
        if len(data) > self._max_image_bytes:
            raise unreadable("too_large")
        return data

    def read_many(self, paths: Iterable[str]) -> Iterator[Content]:
        """See `PictureStore`."""
        for path in paths:
            try:
                yield self.read(path)
            except ImageError as error:
                yield error

    def _find(self, path: str) -> Path:
        return self._files.get(path, self._folder / path)


def _files(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by their names, sorted; as `semblante label` finds them."""
    try:
        return {file.name: file.path for file in plan_packing([folder]).files}
    except Refused:  # there is none
        return {}


def _folders(folder: Path) -> Iterator[str]:
    for parent, names, _files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        base = Path(parent).relative_to(folder)
        yield from ((base / name).as_posix() for name in names)
