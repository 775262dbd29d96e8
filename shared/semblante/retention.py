"""Retention: what ended jobs keep, and for how long. An expired job is its row and its counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from semblante import jobs, lifecycle
from semblante.lifecycle import OPEN_STATES
from semblante.services import Services
from semblante.tables import Chunk, Correction, Folder, Image, Job, Result, Truth, Upload
from semblante.thumbnail_cache import open_thumbnails

OPTION = "retention_days"
IMAGES_PER_TRANSACTION = 20_000


def expires_at(job: Job, default_days: float) -> datetime | None:
    """Return when `job` expires; None while it is unfinished, and when it is kept for ever (0)."""
    days = float(job.options.get(OPTION, default_days))
    ended = max(filter(None, (job.completed_at, job.failed_at, job.cancelled_at)), default=None)
    if job.state in OPEN_STATES or ended is None or days == 0:
        return None
    return ended + timedelta(days=days)


def expire_jobs(services: Services) -> None:
    """Expire the jobs whose time has come, and remove what expired ones still have."""
    now = datetime.now(UTC)
    ended = select(Job).where(Job.state.in_(("completed", "failed", "cancelled")))
    with services.database.reading() as session:
        candidates = list(session.scalars(ended))
    for candidate in candidates:
        if _is_due(candidate, services, now):
            with services.database.writing() as session:
                job = session.get(Job, candidate.id, with_for_update=True)
                if job is not None and _is_due(job, services, now):  # no retry came meanwhile
                    lifecycle.move(job, "expired")
    with services.database.reading() as session:
        has_rows = exists().where(Chunk.job_id == Job.id)
        expired = list(session.scalars(select(Job).where(Job.state == "expired", has_rows)))
    for job in expired:
        _remove_content(services, job)


def is_upload_needed(session: Session, upload_id: str) -> bool:
    """Whether the bytes of an upload may still be asked for: no job yet, or one not expired."""
    of_upload = select(Job.id).where(Job.upload_id == upload_id)
    used = session.scalar(of_upload.where(Job.state != "expired").limit(1)) is not None
    return used or session.scalar(of_upload.limit(1)) is None


def _is_due(job: Job, services: Services, now: datetime) -> bool:
    end = expires_at(job, services.settings.retention_days)
    return job.state != "expired" and end is not None and end <= now


def _remove_content(services: Services, job: Job) -> None:
    """Delete files first and chunks last: whatever is interrupted is found and done again."""
    services.storage.delete(jobs.results_folder(job.id))
    open_thumbnails(services.settings).forget(job.id)
    with services.database.reading() as session:
        key = session.get_one(Upload, job.upload_id).storage_key
        needed = is_upload_needed(session, job.upload_id)
    if not needed:
        services.storage.delete(key)
    for first in _starts(services, job):
        with services.database.writing() as session:  # small ones: others write meanwhile
            for table, index in ((Result, Result.image_index), (Image, Image.index)):
                end = first + IMAGES_PER_TRANSACTION
                of_run = (table.job_id == job.id, index >= first, index < end)
                session.execute(delete(table).where(*of_run))
    with services.database.writing() as session:
        for named in (Truth, Correction, Folder, Chunk):
            session.execute(delete(named).where(named.job_id == job.id))


def _starts(services: Services, job: Job) -> Iterator[int]:
    with services.database.reading() as session:
        query = select(func.max(Image.index)).where(Image.job_id == job.id)
        last = session.scalar(query)
    yield from range(0, (last if last is not None else -1) + 1, IMAGES_PER_TRANSACTION)
