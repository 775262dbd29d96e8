"""Brings a request's bytes into the storage, block by block: memory does not grow with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO

from werkzeug.exceptions import ClientDisconnected

from semblante import uploads
from semblante.errors import NotFound, TooLarge
from semblante.services import Services
from semblante.storage_keys import check_offset
from semblante.tables import Upload
from semblante_web.refusals import ChecksumMismatch
from semblante_web.tus import Checksum
from semblante_web.upload_lock import alone

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
    services: Services,
    upload: Upload,
    offset: int,
    stream: IO[bytes],
    checksum: Checksum | None = None,
) -> int:
    """Append `stream` to `upload` at `offset` and return the new offset; complete it at its end.

    What arrived before a broken connection stays, so that the client goes on from there; with a
    checksum it goes, since it cannot be verified.

    Raises:
        Conflict: `upload_offset`, when another request writes or has written meanwhile.
        TooLarge: `too_large_upload`, when there are more bytes than announced; none is kept.
        ChecksumMismatch: `checksum_mismatch`; none is kept.
    """
    with alone(services, upload.id):
        check_offset(received(services, upload), offset)
        if upload.completed_at is not None:
            return offset
        blocks = _blocks(stream, upload.size_bytes - offset, checksum)
        end = services.storage.append(upload.storage_key, offset, blocks)
        if end == upload.size_bytes:
            complete(services, upload)
        return end


def complete(services: Services, upload: Upload) -> None:
    """Make the upload, all of whose bytes are stored, one that a job can use."""
    services.storage.seal(upload.storage_key)
    with services.database.writing() as session:
        stored = uploads.get(session, upload.id)
        uploads.finish(stored, upload.size_bytes)
        upload.completed_at = stored.completed_at


def _blocks(stream: IO[bytes], room: int, checksum: Checksum | None) -> Iterator[bytes]:
    """Yield what arrives, until the end of the request or of the connection."""
    hasher = hashlib.new(checksum.algorithm if checksum else "sha1", usedforsecurity=False)
    while block := _next_block(stream):
        if len(block) > room:
            raise TooLarge("too_large_upload", "There are more bytes than Upload-Length says.")
        room -= len(block)
        if checksum is not None:
            hasher.update(block)
        yield block
    if checksum and not checksum.matches(hasher):
        raise ChecksumMismatch("checksum_mismatch", "The bytes differ from those announced.")


def _next_block(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(BLOCK_BYTES)
    except (ClientDisconnected, OSError):
        return b""
