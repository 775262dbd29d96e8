"""Keys of a storage: relative paths that cannot leave it."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import NamedTuple

from semblante.errors import Conflict, NotFound

PARTIAL = ".partial-"
"""Names of files that are being written, or were when their writer died, begin so."""


class StoredKey(NamedTuple):
    """A key that a storage has, and when its bytes were last changed."""

    key: str
    modified_at: datetime

    @property
    def is_partial(self) -> bool:
        """Whether these bytes were never finished, though the key they were meant for may be."""
        return self.key.rpartition("/")[2].startswith(PARTIAL)


def key_parts(key: str) -> tuple[str, ...]:
    """Return the parts of `key`; raises ValueError when it is no relative path."""
    parts = PurePosixPath(key).parts
    if not parts or any(part in {"/", ".", ".."} for part in parts):
        raise ValueError(f"not a storage key: {key!r}")
    return parts


def missing(key: str) -> NotFound:
    """Return the error of a key that is not there."""
    return NotFound("upload_missing", "The storage has no %(key)s.", key=key)


def check_offset(stored: int, offset: int) -> None:
    """Raise Conflict (`upload_offset`) when bytes would be missing or written twice."""
    if stored != offset:
        raise Conflict(
            "upload_offset",
            "%(stored)s bytes are here, and Upload-Offset is %(offset)s.",
            stored=stored,
            offset=offset,
        )
