"""Brings a request's bytes into the storage, block by block: memory does not grow with them."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from werkzeug.exceptions import ClientDisconnected

from semblante.errors import Conflict, NotFound, TooLarge
from semblante.services import Services
from semblante.tables import Upload
from semblante_web.refusals import ChecksumMismatch
from semblante_web.tus import Checksum

BLOCK_BYTES = 256 * 1024


def received(services: Services, upload: Upload) -> int:
    """Return how many bytes of `upload` are stored."""
    if upload.completed_at is not None:
        return upload.size_bytes
    try:
        return services.storage.size(upload.storage_key)
    except NotFound:
        return 0


def receive(
    services: Services, upload: Upload, offset: int, stream: IO[bytes], checksum: Checksum | None
) -> int:
    """Append `stream` to `upload` at `offset` and return the new offset.

    What arrived before a broken connection stays, so that the client goes on from there; with a
    checksum it goes, since it cannot be verified.

    Raises:
        Conflict: `upload_offset`, when another request writes or has written meanwhile.
        TooLarge: `too_large_upload`, when there are more bytes than announced; none is kept.
        ChecksumMismatch: `checksum_mismatch`; none is kept.
    """
    with _alone(services, upload.id):
        _check_offset(services, upload, offset)
        hasher = hashlib.new(checksum.algorithm if checksum else "sha1", usedforsecurity=False)
        room = upload.size_bytes - offset
        blocks = _blocks(stream, room, hasher if checksum else None)
        try:
            end = services.storage.append(upload.storage_key, offset, blocks)
        except TooLarge:
            services.storage.append(upload.storage_key, offset, ())
            raise
        if checksum and not checksum.matches(hasher):
            services.storage.append(upload.storage_key, offset, ())
            raise ChecksumMismatch("checksum_mismatch", "The bytes differ from those announced.")
        return end


def _check_offset(services: Services, upload: Upload, offset: int) -> None:
    stored = received(services, upload)
    if stored != offset:
        raise Conflict("upload_offset", f"{stored} bytes are here, and Upload-Offset is {offset}.")


def _blocks(stream: IO[bytes], room: int, hasher: hashlib._Hash | None) -> Iterator[bytes]:
    """Yield what arrives, until the end of the request or of the connection."""
    while True:
        try:
            block = stream.read(BLOCK_BYTES)
        except (ClientDisconnected, OSError):
            return
        if not block:
            return
        if len(block) > room:
            raise TooLarge("too_large_upload", "There are more bytes than Upload-Length says.")
        room -= len(block)
        if hasher is not None:
            hasher.update(block)
        yield block


@contextmanager
def _alone(services: Services, upload_id: str) -> Iterator[None]:
    """Keep other requests, also of other web processes on this machine, off the upload.

    A lock of the kernel: it is gone with its holder. A request whose connection broke may hold it
    a moment longer; the client asks again then, as tus clients do after 409.
    """
    path = services.settings.data / "run" / "uploads" / f"{upload_id}.lock"
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
    busy = Conflict("upload_offset", "Another request is still sending bytes of this upload.")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_current = os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        raise busy from None
    if not is_current:  # the last holder unlinked this file, and another one is in use
        raise busy
