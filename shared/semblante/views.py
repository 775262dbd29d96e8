"""What the API, `--json` and the Python client show: one typed form for all three."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Row
from sqlalchemy.orm import Session

from semblante import jobs, results, webhooks
from semblante.detection import Detect
from semblante.export import row_to_dict
from semblante.lifecycle import OPEN_STATES, STATES, State
from semblante.tables import Job


class Counts(BaseModel):
    """Images of a job by outcome; `total = ok + no_face + failed` when it is completed."""

    total: int
    ok: int
    no_face: int
    failed: int
    skipped: int
    faces: int

    @property
    def finished(self) -> int:
        """Images that have their rows."""
        return self.ok + self.no_face + self.failed


class JobError(BaseModel):
    """Why a job failed: a stable code and what to do."""

    code: str
    detail: str


class JobView(BaseModel):
    """A job as people and programs see it."""

    id: str
    owner: str = Field("", description="Whose keys see the job; empty where no login is needed.")
    state: State
    paused: bool
    outcome: Literal["ok", "partial", "none"] | None = Field(
        description="Of a completed job: all images labelled, some failed, or none labelled."
    )
    model: str
    detect: Detect = Field(description="Face detection as it was asked for.")
    detectors: list[str] = Field(
        description="Face detectors that found its boxes; several if its workers differ."
    )
    upload_id: str = Field(description="Of its bytes: `POST /jobs` labels them again.")
    filename: str
    size_bytes: int
    counts: Counts
    emotions: dict[str, int] = Field(description="Faces per emotion, in the model's order.")
    progress: float = Field(ge=0, le=1)
    images_per_second: float | None
    eta_seconds: float | None
    created_at: datetime
    validating_at: datetime | None
    in_progress_at: datetime | None
    finalizing_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    cancelling_at: datetime | None
    cancelled_at: datetime | None
    expired_at: datetime | None
    error: JobError | None
    metadata: dict[str, Any]
    webhook: str | None = Field(
        None, description="Told when the job has ended; `GET /jobs/{id}/webhooks` says how it went."
    )

    @property
    def is_open(self) -> bool:
        """Whether a worker still has something to do."""
        return self.state in OPEN_STATES


def job_view(session: Session, job: Job, translate: Callable[[str], str] = str) -> JobView:
    """Return the job with what follows from its rows: progress, speed, time left.

    `translate` gives the template of its error in the reader's language.
    """
    counts = Counts.model_validate(job, from_attributes=True)
    speed = jobs.images_per_second(session, job)
    left = counts.total - counts.finished
    running = job.state == "in_progress" and not job.paused
    return JobView(
        id=job.id,
        owner=job.owner,
        state=job.state,
        paused=job.paused,
        outcome=_outcome(job),
        model=job.model,
        detect=job.options.get("detect", "off"),
        detectors=job.detectors,
        upload_id=job.upload_id,
        filename=job.filename,
        size_bytes=job.size_bytes,
        counts=counts,
        emotions=results.emotion_counts(session, job),
        progress=_progress(job, counts),
        images_per_second=round(speed, 1) if speed is not None else None,
        eta_seconds=round(left / speed, 1) if speed and running else None,
        created_at=job.created_at,
        **{f"{state}_at": getattr(job, f"{state}_at") for state in STATES},
        error=_error(job, translate),
        metadata=job.note,
        webhook=job.options.get(webhooks.OPTION),
    )


def _error(job: Job, translate: Callable[[str], str]) -> JobError | None:
    if job.error_code is None:
        return None
    detail = job.error_detail.told(translate) if job.error_detail else ""
    return JobError(code=job.error_code, detail=detail)


def _outcome(job: Job) -> Literal["ok", "partial", "none"] | None:
    if job.state != "completed":
        return None
    if job.failed == 0:
        return "ok"
    return "partial" if job.ok + job.no_face else "none"


def _progress(job: Job, counts: Counts) -> float:
    if job.state == "completed":
        return 1.0
    return counts.finished / counts.total if counts.total else 0.0


def image_view(row: Row[*tuple[Any, ...]], job: Job) -> dict[str, Any]:
    """Return one result row with its index, as `GET /jobs/{id}/images` lists it."""
    return {"index": row.image_index, **row_to_dict(row, job)}
