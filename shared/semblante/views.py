"""What the API, `--json` and the Python client show, made of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import Row
from sqlalchemy.orm import Session

from semblante import jobs, results, webhooks
from semblante.export import row_to_dict
from semblante.job_view import Counts, JobError, JobView
from semblante.lifecycle import STATES
from semblante.tables import Job


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
