"""Where the bytes of uploads and results lie, behind one small protocol with ranged reads.

Keys are relative paths such as `uploads/<id>`; nobody outside the storages builds a file path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from semblante.errors import Refused
from semblante.local_storage import LocalStorage
from semblante.settings import Settings
from semblante.storage_keys import StoredKey


class Storage(Protocol):
    """What Semblante asks of a storage. All methods may be called from several threads.

    Every method raises Unavailable (`storage_unavailable`) or OSError when the storage does not
    answer.
    """

    def prepare(self) -> None:
        """Make the folder or bucket, when there is none."""

    def size(self, key: str) -> int:
        """Return the number of bytes under `key`, those appended so far, too; raises NotFound."""

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`, short only at the end; raises NotFound."""

    def blocks(self, key: str) -> Iterator[bytes]:
        """Yield all bytes under `key` in blocks of some MiB at most; raises NotFound."""

    def write(self, key: str, blocks: Iterable[bytes], *, lasting: bool = True) -> int:
        """Put all `blocks` under `key`, whole or not at all; return the number of bytes.

        What need not be `lasting` may be gone after a power cut, and is there sooner.
        """

    def append(self, key: str, offset: int, blocks: Iterable[bytes]) -> int:
        """Add `blocks` to the `offset` bytes that are there; return the new size.

        What arrived stays when the stream breaks off. Nothing of it stays when `blocks` raise
        Refused. Only one caller at a time may append to a key, and nobody reads it before `seal`.

        Raises:
            Conflict: `upload_offset`, when another number of bytes is there.
        """

    def seal(self, key: str) -> None:
        """Say that nothing is appended to `key` any more: it can be read. Twice is no error."""

    def adopt(self, key: str, path: Path) -> None:
        """Put the local file `path` under `key`, by reference where the storage can."""

    def delete(self, key: str) -> None:
        """Remove `key`, finished or not, and all keys below it; no error when there is none."""

    def keys(self, folder: str) -> Iterator[StoredKey]:
        """Yield every key below `folder`, finished or not, some perhaps twice."""


class StoredSource:
    """Ranged reads over one key, the form that the archive reader asks for."""

    def __init__(self, storage: Storage, key: str) -> None:
        self._storage = storage
        self._key = key
        self.size = storage.size(key)

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`, short only at the end."""
        return self._storage.read(self._key, start, length)


def open_storage(settings: Settings) -> Storage:
    """Return the storage of `settings`: `file:///folder` or `s3://bucket/prefix`.

    Raises:
        Refused: `invalid_storage_url`.
    """
    parts = urlsplit(settings.storage)
    if parts.scheme == "file" and parts.path:
        return LocalStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from semblante.s3_storage import open_s3_storage  # boto3 is slow to import

        return open_s3_storage(settings, parts.netloc, unquote(parts.path).strip("/"))
    raise Refused(
        "invalid_storage_url",
        "SEMBLANTE_STORAGE_URL must be file:///folder or s3://bucket or s3://bucket/prefix.",
    )
