"""The files of a data set: in a folder, zip or tar, listed once and read whenever needed.

Reading is safe in several threads and in forked processes: every read has its own position.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from semblante.archive import (
    BufferedSource,
    Limits,
    Member,
    detect_kind,
    list_members,
    read_members,
)
from semblante.errors import IMAGE_ERROR_CODES, ArchiveError, ImageError, Refused
from semblante.packing import plan_packing

MOST_PIXELS = 100_000_000
GENEROUS = Limits(20_000_000, 2**50, 2**26)
"""For one's own data sets, which may be larger than what strangers may upload."""
READ_AT_ONCE = 256
"""Pictures per grouped read, so that no more than their bytes are in memory."""

Content = bytes | ImageError
"""The bytes of an image, or why it has none."""


class PictureStore(Protocol):
    """Pictures by their path within the data set, with `/` between folders."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """The paths of all images that were listed, sorted."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The paths of all folders that are known, empty ones too."""

    def has(self, path: str) -> bool:
        """Whether there is such a file."""

    def read(self, path: str) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: They cannot be read.
        """

    def read_many(self, paths: Iterable[str]) -> Iterator[Content]:
        """Yield the bytes of each image, or why it has none, in the order asked for."""


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
        return self._find(path).is_file()

    def read(self, path: str) -> bytes:
        """See `PictureStore`."""
        try:
            with self._find(path).open("rb") as file:
                data = file.read(self._max_image_bytes + 1)
        except OSError as error:
            raise _known("unreadable_file") from error
        if len(data) > self._max_image_bytes:
            raise _known("too_large")
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


class ArchiveStore:
    """A zip or tar on this machine, read in place."""

    def __init__(self, path: Path, limits: Limits = GENEROUS) -> None:
        self._source = _FileSource(path)
        self._max_image_bytes = limits.max_image_bytes
        kind = detect_kind(self._source)
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
                yield next(contents)[1] if is_there else _known("unreadable_file")


def open_store(path: Path, limits: Limits = GENEROUS) -> PictureStore:
    """Return the store of a folder, a zip or a tar.

    Raises:
        Refused: `empty_dataset`, for another kind of file; or the code of the archive's error.
    """
    if path.is_dir():
        return FolderStore(path, limits)
    try:
        return ArchiveStore(path, limits)
    except ArchiveError as error:
        raise _no_store(path, error.code, error.message) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise _no_store(path, "corrupt_archive", str(error)) from error


class _FileSource:
    """A file as the archive reader wants it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, start: int, length: int) -> bytes:
        with self._path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, start)


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


def _zip_folders(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [info.filename.rstrip("/") for info in archive.infolist() if info.is_dir()]


def _known(code: str) -> ImageError:
    return ImageError(code, IMAGE_ERROR_CODES[code])


def _no_store(path: Path, code: str, reason: str) -> Refused:
    return Refused(code, f"{path} is no folder and no readable zip or tar: {reason}")
