"""Where the bytes of uploads and results lie, behind one small protocol with ranged reads.

Keys are relative paths such as `uploads/<id>`; nobody outside this module builds a file path.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

from semblante.errors import NotFound

BLOCK_BYTES = 1024 * 1024


class Storage(Protocol):
    """What Semblante asks of a storage. All methods may be called from several threads."""

    def size(self, key: str) -> int:
        """Return the number of bytes under `key`; raises NotFound."""

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`, short only at the end; raises NotFound."""

    def blocks(self, key: str) -> Iterator[bytes]:
        """Yield all bytes under `key` in blocks of about 1 MiB; raises NotFound."""

    def write(self, key: str, blocks: Iterable[bytes]) -> int:
        """Put all `blocks` under `key`, whole or not at all; return the number of bytes."""

    def append(self, key: str, offset: int, blocks: Iterable[bytes]) -> int:
        """Write `blocks` from `offset` on, dropping what lay behind it; return the new size."""

    def adopt(self, key: str, path: Path) -> None:
        """Put the local file `path` under `key`, by reference where the storage can."""

    def delete(self, key: str) -> None:
        """Remove `key`, and all keys below it; no error when there is none."""


class LocalStorage:
    """A storage in one folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def size(self, key: str) -> int:
        """Return the number of bytes under `key`; raises NotFound."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            raise _missing(key) from None

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`; raises NotFound."""
        try:
            with self._path(key).open("rb", buffering=0) as file:
                return os.pread(file.fileno(), length, start)
        except FileNotFoundError:
            raise _missing(key) from None

    def blocks(self, key: str) -> Iterator[bytes]:
        """Yield all bytes under `key` in blocks of 1 MiB; raises NotFound at the first."""
        try:
            file = self._path(key).open("rb", buffering=0)
        except FileNotFoundError:
            raise _missing(key) from None
        with file:
            while block := file.read(BLOCK_BYTES):
                yield block

    def write(self, key: str, blocks: Iterable[bytes]) -> int:
        """Write to a temporary file, then rename: a reader sees all bytes or none."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".partial-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for block in blocks:
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return size

    def append(self, key: str, offset: int, blocks: Iterable[bytes]) -> int:
        """Write `blocks` from `offset` on; what arrived stays when the stream breaks off."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(offset)
            file.seek(offset)
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def adopt(self, key: str, path: Path) -> None:
        """Link to `path`: an archive of 100 GB on this machine is not copied."""
        link = self._path(key)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.absolute())

    def delete(self, key: str) -> None:
        """Remove the file or folder; an adopted file itself stays."""
        path = self._path(key)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or any(part in {"/", ".", ".."} for part in parts):
            raise ValueError(f"not a storage key: {key!r}")
        return self.folder.joinpath(*parts)


class StoredSource:
    """Ranged reads over one key, the form that the archive reader asks for."""

    def __init__(self, storage: Storage, key: str) -> None:
        self._storage = storage
        self._key = key
        self.size = storage.size(key)

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`, short only at the end."""
        return self._storage.read(self._key, start, length)


def open_storage(url: str) -> Storage:
    """Return the storage that `url` (`file:///folder`) names."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise ValueError(f"storage_url must begin with file:///, not {url!r}")
    return LocalStorage(Path(unquote(parts.path)))


def _missing(key: str) -> NotFound:
    return NotFound("upload_missing", f"The storage has no {key}.")
