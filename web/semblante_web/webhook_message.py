"""What a job's webhook is sent, as the API's description tells it; `webhooks.py` writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from semblante.job_view import Counts, JobError


class EndedJob(BaseModel):
    """The job; `GET /jobs/{id}` has the rest."""

    model_config = ConfigDict(extra="forbid")

    id: str
    state: Literal["completed", "failed", "cancelled"]
    model: str
    filename: str
    counts: Counts
    error: JobError | None
    created_at: datetime
    ended_at: datetime
    metadata: dict[str, Any]


class WebhookMessage(BaseModel):
    """A job has ended. Headers: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["job.completed", "job.failed", "job.cancelled"]
    timestamp: datetime
    data: EndedJob
