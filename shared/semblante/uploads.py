"""Uploads: rows about bytes in the storage. A job needs one that is complete."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from sqlalchemy import select
from sqlalchemy.orm import Session

from semblante.errors import NotFound
from semblante.identifiers import new_id
from semblante.tables import Job, Upload

MAX_FILENAME = 255
UNPRINTABLE = ("Cc", "Cs")
"""Unicode's categories of control characters, which no header takes, and of lone surrogates."""


def storage_key(upload_id: str) -> str:
    """Return the key under which an upload's bytes lie."""
    return f"uploads/{upload_id}"


def clean_filename(name: str) -> str:
    """Return the last part of a name that a person's machine sent, printable and never empty."""
    known = "".join(letter for letter in name if unicodedata.category(letter) not in UNPRINTABLE)
    base = PurePath(known.replace("\\", "/")).name
    return base[:MAX_FILENAME] or "upload"


def begin(session: Session, filename: str, size_bytes: int, owner: str = "") -> Upload:
    """Add an upload of `owner` whose bytes are still to come."""
    upload_id = new_id()
    upload = Upload(
        id=upload_id,
        owner=owner,
        filename=clean_filename(filename),
        storage_key=storage_key(upload_id),
        size_bytes=size_bytes,
        created_at=datetime.now(UTC),
    )
    session.add(upload)
    return upload


def finish(upload: Upload, size_bytes: int) -> None:
    """Say that all bytes are stored."""
    upload.size_bytes = size_bytes
    upload.completed_at = datetime.now(UTC)


def get(session: Session, upload_id: str) -> Upload:
    """Return the upload; raises NotFound."""
    upload = session.get(Upload, upload_id)
    if upload is None:
        raise missing(upload_id)
    return upload


def missing(upload_id: str) -> NotFound:
    """Return the error for an upload that is not there, or not to be seen."""
    return NotFound(
        "upload_not_found",
        "There is no upload %(upload_id)s, or it has expired.",
        upload_id=upload_id,
    )


def abandoned(session: Session, hours: float) -> list[Upload]:
    """Return uploads older than `hours` that no job uses: never finished, or never submitted."""
    limit = datetime.now(UTC) - timedelta(hours=hours)
    used = select(Job.id).where(Job.upload_id == Upload.id).exists()
    return list(session.scalars(select(Upload).where(Upload.created_at < limit, ~used)))
