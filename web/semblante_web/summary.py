"""A job summed up: counts, emotions with their shares, errors by code, times."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from semblante import results
from semblante.job_view import Counts
from semblante.tables import Job


class EmotionShare(BaseModel):
    """How many faces show an emotion."""

    faces: int
    share: float = Field(ge=0, le=1, description="Of all faces.")


class Timings(BaseModel):
    """Seconds that the job spent in its states; null where it never was."""

    validating: float | None
    in_progress: float | None
    finalizing: float | None
    total: float | None = Field(description="From creation to completion; of a retry, its own.")


class Summary(BaseModel):
    """A completed job in a few figures."""

    job_id: str
    filename: str
    model: str
    detectors: list[str] = Field(description="Face detectors that found its boxes.")
    counts: Counts
    emotions: dict[str, EmotionShare] = Field(description="In the order of the model's classes.")
    errors: dict[str, int] = Field(description="Failed images by error code.")
    seconds: Timings


def summary_of(session: Session, job: Job) -> Summary:
    """Return the summary of a completed job."""
    faces = results.emotion_counts(session, job)
    total = sum(faces.values())
    return Summary(
        job_id=job.id,
        filename=job.filename,
        model=job.model,
        detectors=job.detectors,
        counts=Counts.model_validate(job, from_attributes=True),
        emotions={
            name: EmotionShare(faces=count, share=round(count / total, 4) if total else 0.0)
            for name, count in faces.items()
        },
        errors=results.error_counts(session, job.id),
        seconds=Timings(
            validating=_seconds(job.validating_at, job.in_progress_at),
            in_progress=_seconds(job.in_progress_at, job.finalizing_at),
            finalizing=_seconds(job.finalizing_at, job.completed_at),
            total=_seconds(job.validating_at, job.completed_at),
        ),
    )


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None
