"""One sender at a time for each upload, across threads, processes and, with PostgreSQL, hosts."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import text

from semblante.database import Database
from semblante.errors import Conflict
from semblante.services import Services


@contextmanager
def alone(services: Services, upload_id: str) -> Iterator[None]:
    """Keep other requests off the upload.

    The lock is gone with its holder. A request whose connection broke may hold it a moment longer;
    the client asks again then, as tus clients do after 409.

    Raises:
        Conflict: `upload_offset`, when another request sends bytes.
    """
    if services.database.is_sqlite:  # one machine
        with _lock_file(services.settings.data / "run" / "uploads" / f"{upload_id}.lock"):
            yield
    else:
        with _advisory_lock(services.database, upload_id):
            yield


@contextmanager
def _advisory_lock(database: Database, upload_id: str) -> Iterator[None]:
    """Hold a lock of PostgreSQL's, without a transaction that would keep old rows alive."""
    key = int.from_bytes(blake2b(upload_id.encode(), digest_size=8).digest(), signed=True)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            raise _busy()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


@contextmanager
def _lock_file(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_current = os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        raise _busy() from None
    if not is_current:  # the last holder unlinked this file, and another one is in use
        raise _busy()


def _busy() -> Conflict:
    return Conflict("upload_offset", "Another request is still sending bytes of this upload.")
