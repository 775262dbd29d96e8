"""A storage in one folder of this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from semblante.errors import Refused
from semblante.storage_keys import PARTIAL, StoredKey, check_offset, key_parts, missing

BLOCK_BYTES = 1024 * 1024


class LocalStorage:
    """A storage in one folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def size(self, key: str) -> int:
        """Return the number of bytes under `key`; raises NotFound."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            raise missing(key) from None

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`; raises NotFound."""
        try:
            with self._path(key).open("rb", buffering=0) as file:
                return os.pread(file.fileno(), length, start)
        except FileNotFoundError:
            raise missing(key) from None

    def blocks(self, key: str) -> Iterator[bytes]:
        """Yield all bytes under `key` in blocks of 1 MiB; raises NotFound at the first."""
        try:
            file = self._path(key).open("rb", buffering=0)
        except FileNotFoundError:
            raise missing(key) from None
        with file:
            while block := file.read(BLOCK_BYTES):
                yield block

    def write(self, key: str, blocks: Iterable[bytes], *, lasting: bool = True) -> int:
        """Write to a temporary file, then rename: a reader sees all bytes or none."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for block in blocks:
                    file.write(block)
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
                size = file.tell()
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return size

    def append(self, key: str, offset: int, blocks: Iterable[bytes]) -> int:
        """Add `blocks` to the `offset` bytes that are there; see Storage."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            check_offset(file.seek(0, os.SEEK_END), offset)
            try:
                for block in blocks:
                    file.write(block)
            except Refused:
                file.truncate(offset)
                raise
            finally:
                file.flush()
                os.fsync(file.fileno())
            return file.tell()

    def seal(self, key: str) -> None:
        """Do nothing: a file can be read at any time."""

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

    def keys(self, folder: str) -> Iterator[StoredKey]:
        """Yield every file below `folder`; those that were left half written, too."""
        for parent, folders, names in os.walk(self._path(folder)):  # one may vanish meanwhile
            for name in (*folders, *names):
                path = Path(parent, name)
                with suppress(FileNotFoundError):
                    if path.is_symlink() or path.is_file():
                        modified = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
                        yield StoredKey(path.relative_to(self.folder).as_posix(), modified)

    def _path(self, key: str) -> Path:
        return self.folder.joinpath(*key_parts(key))
