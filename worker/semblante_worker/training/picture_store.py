"""The files of a data set: in a folder or a zip, listed once and read whenever needed.

Reading is safe in several threads and in forked processes: every read has its own position.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Protocol

from semblante.archive import (
    BufferedSource,
    Limits,
    Member,
    list_members,
    read_members,
)
from semblante.archive.names import is_image_name
from semblante.errors import ArchiveError, ImageError, TrainingError

MOST_PIXELS = 100_000_000
_LIMITS = Limits(20_000_000, 2**50, 2**26)


class PictureStore(Protocol):
    """Pictures by their path within the data set, with `/` between folders."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """The paths of all images, sorted."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The paths of all folders that are known, empty ones too."""

    def read(self, path: str) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: They cannot be read.
        """

    def read_text(self, path: str) -> str | None:
        """Return the UTF-8 text of a file at the top, None when there is none."""


class FolderStore:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        pictures, folders = [], []
        for parent, names, files in os.walk(folder):
            names[:] = sorted(name for name in names if not name.startswith("."))
            base = Path(parent).relative_to(folder)
            folders += [(base / name).as_posix() for name in names]
            pictures += [(base / name).as_posix() for name in files]
        self.pictures = tuple(sorted(path for path in pictures if is_image_name(path)))
        self.folders = tuple(folders)

    def read(self, path: str) -> bytes:
        """See `PictureStore`."""
        try:
            return (self._folder / path).read_bytes()
        except OSError as error:
            raise ImageError("corrupt_image", f"The file cannot be read: {error}") from error

    def read_text(self, path: str) -> str | None:
        """See `PictureStore`."""
        file = self._folder / path
        return file.read_text(encoding="utf-8-sig") if file.is_file() else None


class ZipStore:
    """A zip on this machine, read in place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = _FileSource(path)
        listing = list_members(BufferedSource(self._source), "zip", path.name, _LIMITS)
        self._members: dict[str, Member] = {member.path: member for member in listing}
        self.pictures = tuple(sorted(self._members))
        with zipfile.ZipFile(path) as archive:
            names = [info.filename.rstrip("/") for info in archive.infolist() if info.is_dir()]
        self.folders = tuple(sorted(names))

    def read(self, path: str) -> bytes:
        """See `PictureStore`."""
        member = self._members[path]
        [(_, content)] = read_members(self._source, [member], _LIMITS.max_image_bytes)
        if isinstance(content, ImageError):
            raise content
        return content

    def read_text(self, path: str) -> str | None:
        """See `PictureStore`."""
        with zipfile.ZipFile(self._path) as archive:
            if path not in archive.namelist():
                return None
            return archive.read(path).decode("utf-8-sig")


def open_store(path: Path) -> PictureStore:
    """Return the store of a folder or a zip.

    Raises:
        TrainingError: `invalid_dataset`, when it is neither.
    """
    if path.is_dir():
        return FolderStore(path)
    try:
        return ZipStore(path)
    except (ArchiveError, OSError, zipfile.BadZipFile) as error:
        raise TrainingError(
            "invalid_dataset", f"{path} is no folder and no readable zip: {error}"
        ) from error


class _FileSource:
    """A file as the archive reader wants it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, start: int, length: int) -> bytes:
        with self._path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, start)
