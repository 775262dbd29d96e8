"""What a person can do with jobs. Every message leaves only after the row is committed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from sqlalchemy import delete as delete_from
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from semblante import chunks, leases, lifecycle, webhooks
from semblante.bundles import Model
from semblante.errors import Conflict, NotFound
from semblante.histogram import BINS
from semblante.identifiers import new_id
from semblante.lifecycle import OPEN_STATES
from semblante.message import Message
from semblante.pinned_model import check_retry
from semblante.queue import Queue
from semblante.settings import Settings
from semblante.tables import (
    Chunk,
    ConfidenceCount,
    Correction,
    EmotionCount,
    Folder,
    Image,
    Job,
    Result,
    Truth,
    Upload,
)

RATE_SECONDS = 30
OF_A_JOB = (Result, Chunk, Image, Folder, EmotionCount, ConfidenceCount, Truth, Correction)
"""Tables whose rows go with their job."""


class ModelOfJob(NamedTuple):
    """The model a job runs: `name@first-12`, its classes, each `{id, en, es}`, the whole digest."""

    reference: str
    classes: list[dict[str, str]]
    digest: str | None = None

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return what a job keeps of `model`."""
        classes = [emotion._asdict() for emotion in model.classes]
        return cls(model.reference, classes, model.digest)


def create(
    session: Session,
    queue: Queue,
    upload: Upload,
    model: ModelOfJob,
    *,
    options: dict[str, Any] | None = None,
    note: dict[str, Any] | None = None,
    idempotency: tuple[str, str] | None = None,
) -> Job:
    """Add a job over a complete upload, of its owner; `index` is sent with the commit.

    Args:
        session: A writing transaction.
        queue: Where the message leaves.
        upload: The stored bytes.
        model: The model to run, found in the same transaction.
        options: `detect`, `lang`, `webhook`, `retention_days`.
        note: The person's own metadata, given back unchanged.
        idempotency: The request's key and the hash of its content.
    """
    now = datetime.now(UTC)
    key, digest = idempotency or (None, None)
    job = Job(
        id=new_id(),
        owner=upload.owner,
        upload_id=upload.id,
        state="validating",
        model=model.reference,
        model_sha256=model.digest,
        classes=model.classes,
        filename=upload.filename,
        size_bytes=upload.size_bytes,
        options=options or {},
        note=note or {},
        idempotency_key=key,
        idempotency_hash=digest,
        created_at=now,
        validating_at=now,
    )
    session.add(job)
    session.flush()
    session.add_all(EmotionCount(job_id=job.id, emotion=item["id"]) for item in model.classes)
    session.add_all(ConfidenceCount(job_id=job.id, bin=number) for number in range(BINS))
    queue.send_on_commit(session, "semblante.index", job_id=job.id)
    return job


def get(session: Session, job_id: str, *, lock: bool = False) -> Job:
    """Return the job; raises NotFound."""
    job = session.get(Job, job_id, with_for_update=lock)
    if job is None:
        raise missing(job_id)
    return job


def missing(job_id: str) -> NotFound:
    """Return the error for a job that is not there, or not to be seen."""
    return NotFound("job_not_found", "There is no job %(job_id)s.", job_id=job_id)


def find_by_idempotency_key(session: Session, key: str) -> Job | None:
    """Return the job that an earlier request with this key made."""
    return session.scalar(select(Job).where(Job.idempotency_key == key))


def open_count(session: Session, owner: str | None = None) -> int:
    """Return how many jobs are unfinished: of `owner`, or of all."""
    query = select(func.count()).select_from(Job).where(Job.state.in_(OPEN_STATES))
    if owner is not None:
        query = query.where(Job.owner == owner)
    return session.scalar(query) or 0


def fail(session: Session, job: Job, code: str, detail: Message) -> None:
    """End the job: nothing of it can be processed, and `detail` says why.

    A retry ends as if it was cancelled: a job that was completed keeps its rows.
    """
    job.error_code, job.error_detail = code, detail
    if was_completed(job) and job.state == "in_progress":
        cancel(session, job)
        return
    lifecycle.move(job, "failed")
    if not was_completed(job):
        for table in (Result, Chunk, Image, Folder):
            session.execute(delete_from(table).where(table.job_id == job.id))
        job.total = job.ok = job.no_face = job.failed = job.faces = 0
    webhooks.announce(session, job)


def complete(session: Session, job: Job) -> None:
    """End the job well: its rows and files are written."""
    lifecycle.move(job, "completed")
    webhooks.announce(session, job)


def cancel(session: Session, job: Job) -> None:
    """Stop the job; a chunk that a worker holds ends first. Cancelling twice is no error.

    Of a retry nothing but the retry is stopped: the job completes once more.
    """
    if was_completed(job) and job.state == "finalizing":
        return
    if job.state not in ("cancelling", "cancelled"):
        lifecycle.move(job, "cancelling")
        chunks.withdraw(session, job.id)
    settle_cancelled(session, job)


def settle_cancelled(session: Session, job: Job) -> None:
    """Move a cancelling job on to `cancelled` once no worker holds a part of it.

    A retry goes on to `finalizing`; `steps.resend`, as in each sweep, sends the message of that.
    """
    busy = chunks.count(session, job.id, "leased") or not leases.is_free(session, job)
    if job.state != "cancelling" or busy:
        return
    if was_completed(job):
        chunks.leave_as_they_are(session, job.id)
        lifecycle.move(job, "finalizing")
        job.attempts = 0
    else:
        lifecycle.move(job, "cancelled")
        webhooks.announce(session, job)


def was_completed(job: Job) -> bool:
    """Whether it is, or is a retry of one that was: each of its images has rows."""
    return job.completed_at is not None


def pause(session: Session, job: Job) -> None:
    """Queue no more chunks; what a worker holds is finished."""
    lifecycle.set_paused(job, True)
    chunks.withdraw(session, job.id)


def resume(session: Session, queue: Queue, job: Job, settings: Settings) -> None:
    """Go on with a paused job."""
    lifecycle.set_paused(job, False)
    session.flush()
    chunks.queue_window(session, queue, job, settings.window_chunks)


def retry(session: Session, queue: Queue, job: Job, settings: Settings) -> None:
    """Work on the failed images again, and on no others.

    Raises:
        Conflict: `illegal_transition` (not completed), `nothing_to_retry` or `model_removed`.
    """
    if job.failed == 0 and job.state == "completed":
        raise Conflict("nothing_to_retry", "The job has no failed image.")
    lifecycle.move(job, "in_progress")
    job.validating_at = job.in_progress_at  # its times are those of the retry from now on
    job.error_code = job.error_detail = None
    check_retry(session, job)
    failed = select(Result.image_index).where(
        Result.job_id == job.id,
        Result.status == "failed",
        Result.image_index >= Chunk.first,
        Result.image_index < Chunk.first + Chunk.count,
    )
    for chunk in session.scalars(select(Chunk).where(Chunk.job_id == job.id, failed.exists())):
        chunk.state, chunk.retry, chunk.attempts = "pending", True, 0
    session.flush()
    chunks.queue_window(session, queue, job, settings.window_chunks)


def finish_when_done(session: Session, queue: Queue, job: Job) -> None:
    """Move the job to `finalizing` once every chunk is done; its row must be locked."""
    if job.state == "in_progress" and not chunks.count(
        session, job.id, "pending", "queued", "leased"
    ):
        lifecycle.move(job, "finalizing")
        job.attempts = 0
        queue.send_on_commit(session, "semblante.finish", job_id=job.id)


def delete(session: Session, job: Job) -> list[str]:
    """Remove the job's rows; return the storage keys to delete after the commit."""
    upload = session.get_one(Upload, job.upload_id)
    webhooks.forget(session, job.id)
    for table in OF_A_JOB:
        session.execute(delete_from(table).where(table.job_id == job.id))
    session.delete(job)
    session.flush()
    keys = [results_folder(job.id)]
    if not session.scalar(select(func.count()).where(Job.upload_id == upload.id)):
        session.delete(upload)
        keys.append(upload.storage_key)
    return keys


def results_folder(job_id: str) -> str:
    """Return the storage key below which the files of a job's results lie."""
    return f"results/{job_id}"


def images_per_second(session: Session, job: Job) -> float | None:
    """Return the speed of the last 30 s of a running job, of the whole run of a finished one.

    A retry has none: it works on some of a chunk's images.
    """
    was_retried = job.validating_at != job.created_at
    if job.in_progress_at is None or was_retried:
        return None
    if job.finalizing_at is not None and job.state != "in_progress":
        seconds = (job.finalizing_at - job.in_progress_at).total_seconds()
        return job.total / seconds if seconds > 0 else None
    now = datetime.now(UTC)
    since = max(job.in_progress_at, now - timedelta(seconds=RATE_SECONDS))
    seconds = (now - since).total_seconds()
    images = session.scalar(
        select(func.sum(Chunk.count)).where(
            Chunk.job_id == job.id, Chunk.state == "done", Chunk.done_at >= since
        )
    )
    return int(images or 0) / seconds if seconds > 0 else None  # PostgreSQL sums to a Decimal
