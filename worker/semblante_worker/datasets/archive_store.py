"""The pictures in a zip or tar, listed once and read in place."""

from __future__ import annotations

import copy
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from semblante.archive import (
    BufferedSource,
    Limits,
    Member,
    detect_kind,
    list_members,
    read_members,
)
from semblante.errors import ArchiveError, ImageError, Refused
from semblante_worker.datasets.picture_store import GENEROUS, Content, unreadable

_Value = TypeVar("_Value")

READ_AT_ONCE = 256
"""Pictures per grouped read, so that no more than their bytes are in memory."""


class ArchiveStore:
    """A zip or tar on this machine, read in place."""

    def __init__(self, path: Path, limits: Limits = GENEROUS) -> None:
        self._source = FileSource(path)
        self._max_image_bytes = limits.max_image_bytes
        self.kind = kind = detect_kind(self._source)
        if kind in ("image", "tar.gz"):
            raise Refused(
                "empty_dataset",
                f"{path}: a data set is a folder, a zip, a tar or a manifest's CSV.",
            )
        self._members: dict[str, Member] = {}
        for member in list_members(BufferedSource(self._source), kind, path.name, limits):
            self._members.setdefault(member.path, member)
        self.pictures = tuple(sorted(self._members))
        self.folders = tuple(sorted(_zip_folders(path))) if kind == "zip" else ()

    def below(self, folder: str) -> ArchiveStore:
        """Return the pictures in `folder` (which ends with `/`, or is empty), named from there."""
        inner = copy.copy(self)
        inner._members = _below(folder, self._members)
        inner.pictures = tuple(_below(folder, dict.fromkeys(self.pictures)))
        inner.folders = tuple(_below(folder, dict.fromkeys(self.folders)))
        return inner

    def has(self, path: str) -> bool:
        """See `PictureStore`."""
        return path in self._members

    def read(self, path: str) -> bytes:
        """See `PictureStore`."""
        content = next(self.read_many([path]))
        if isinstance(content, ImageError):
            raise content
        return content

    def read_many(self, paths: Iterable[str]) -> Iterator[Content]:
        """See `PictureStore`."""
        wanted = list(paths)
        for first in range(0, len(wanted), READ_AT_ONCE):
            group = wanted[first : first + READ_AT_ONCE]
            members = [self._members[path] for path in group if path in self._members]
            contents = read_members(self._source, members, self._max_image_bytes)
            for path in group:
                is_there = path in self._members
                yield next(contents)[1] if is_there else unreadable("unreadable_file")


def open_archive(path: Path, limits: Limits = GENEROUS) -> ArchiveStore:
    """Return the store of a zip or a tar.

    Raises:
        Refused: `empty_dataset`, for another kind of file; or the code of the archive's error.
    """
    try:
        return ArchiveStore(path, limits)
    except ArchiveError as error:
        raise _no_store(path, error.code, error.message) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise _no_store(path, "corrupt_archive", str(error)) from error


class FileSource:
    """A file as the archive reader wants it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`; fewer only at the end of the file."""
        with self._path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, start)


def _below(folder: str, named: Mapping[str, _Value]) -> dict[str, _Value]:
    return {name[len(folder) :]: value for name, value in named.items() if name.startswith(folder)}


def _zip_folders(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [info.filename.rstrip("/") for info in archive.infolist() if info.is_dir()]


def _no_store(path: Path, code: str, reason: str) -> Refused:
    return Refused(code, f"{path} is no folder and no readable zip or tar: {reason}")
