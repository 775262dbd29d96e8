"""Orphans: bytes in the storage that no row of the database speaks of, left by what was killed.

A storage belongs to one database: a mark in both says so. Where they differ nothing is deleted, so
that a stack with the wrong address does not empty another one's storage.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from semblante.errors import NotFound
from semblante.identifiers import new_id
from semblante.retention import is_upload_needed
from semblante.services import Services
from semblante.tables import Choice, ImportedModel, Job, Upload

MARK = "owner"
CHOICE = "storage_owner"
MARK_BYTES = 64
log = structlog.get_logger()


def remove_orphans(services: Services) -> int:
    """Delete what lies in the storage for longer than an upload may take and belongs to nothing.

    What a killed worker left half written belongs to nothing, though its job is there.

    Returns:
        How many keys were deleted.
    """
    if not _is_ours(services):
        log.error("storage belongs to another database; orphans stay", mark=MARK)
        return 0
    oldest = datetime.now(UTC) - timedelta(hours=services.settings.upload_expiry_hours)
    removed = 0
    for folder, is_known in KNOWN.items():
        for found in list(services.storage.keys(folder)):
            owner = found.key.removeprefix(f"{folder}/").partition("/")[0].removesuffix(".tar")
            if found.modified_at >= oldest:
                continue
            with services.database.reading() as session:
                known = is_known(session, owner)
            if not known or found.is_partial:
                services.storage.delete(found.key)
                removed += 1
    if removed:
        log.info("orphans removed", keys=removed)
    return removed


def _is_ours(services: Services) -> bool:
    """Compare the marks; a database and a storage that have none get one."""
    with suppress(IntegrityError), services.database.writing() as session:  # another was faster
        if session.get(Choice, CHOICE) is None:
            session.add(Choice(name=CHOICE, value=new_id()))
    with services.database.reading() as session:
        ours = session.get_one(Choice, CHOICE).value
    try:
        return services.storage.read(MARK, 0, MARK_BYTES) == ours.encode()
    except NotFound:
        services.storage.write(MARK, [ours.encode()])
        return True


def _is_upload(session: Session, upload_id: str) -> bool:
    return session.get(Upload, upload_id) is not None and is_upload_needed(session, upload_id)


def _is_job(session: Session, job_id: str) -> bool:
    job = session.get(Job, job_id)
    return job is not None and job.state != "expired"


def _is_model(session: Session, digest: str) -> bool:
    return session.get(ImportedModel, digest) is not None


def _nobody(_session: Session, _owner: str) -> bool:
    return False


KNOWN: dict[str, Callable[[Session, str], bool]] = {
    "uploads": _is_upload,
    "results": _is_job,
    "models": _is_model,
    "predict": _nobody,
    "health": _nobody,
}
"""Folders of the storage, and who knows whether an id below them is in use."""
