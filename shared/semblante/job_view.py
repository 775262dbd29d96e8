"""A job as the API, `--json` and the Python client show it: one typed form for all three.

Apart from what makes one of its rows (`views.py`), so that clients need not import the database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from semblante.detection import Detect
from semblante.lifecycle import OPEN_STATES, State


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
    """Why a job failed, or its last retry: a stable code and what to do."""

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
