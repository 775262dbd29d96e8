"""What the page of one job shows, read in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy.orm import Session

from semblante import gallery, histogram, jobs, pausing, results
from semblante.gallery import Filter
from semblante.histogram import Rate
from semblante.job_view import JobView
from semblante.lifecycle import PAUSABLE_STATES
from semblante.services import Services
from semblante.tables import Job
from semblante.views import image_view, job_view
from semblante_web.changes import Change
from semblante_web.job_steps import Step, steps_of
from semblante_web.models_api import ModelView, model_views
from semblante_web.webhooks_api import EventView, event_views

SHOWN_ROWS = 24
COUNTED_LIVE = 50_000
"""Failures of a larger job are grouped once it has ended, not at every look."""


@dataclass(frozen=True)
class JobPage:
    """A job with its first rows and its failures by code."""

    job: JobView
    classes: list[dict[str, str]]
    language: str
    rows: list[dict[str, Any]]
    errors: Mapping[str, int]
    changes: list[Change]
    bins: list[int]
    rates: list[Rate]
    models: list[ModelView]
    """To label the same images again; empty while that cannot be."""
    all_paused: bool
    """Whether the operator has paused the labelling of all jobs."""
    events: list[EventView]
    """What was told to its webhook."""

    @property
    def is_telling(self) -> bool:
        """Whether an event is still to be delivered."""
        return any(event.state == "pending" for event in self.events)

    @property
    def seconds(self) -> float | None:
        """How long the job took; None while it has not ended well."""
        if self.job.completed_at is None:
            return None
        return (self.job.completed_at - self.job.created_at).total_seconds()

    @property
    def steps(self) -> list[Step]:
        """The steps of the work, as far as they have come."""
        return steps_of(self.job)


def job_page(services: Services, job_id: str) -> JobPage:
    """Return what the page of a job shows; raises NotFound."""
    with services.database.reading() as session:
        job = jobs.get(session, job_id)
        view = job_view(session, job, gettext)
        rows = gallery.page(session, job, Filter(), limit=SHOWN_ROWS).rows
        return JobPage(
            job=view,
            classes=job.classes,
            language=job.options.get("lang", "en"),
            rows=[image_view(row, job) for row in rows],
            errors=_errors(session, job, view),
            changes=_changes(view),
            bins=histogram.confidence_counts(session, job_id) if job.faces else [],
            rates=_rates(session, job),
            models=[] if view.is_open else model_views(),
            events=event_views(session, job_id),
            all_paused=pausing.is_all_paused(session),
        )


def _rates(session: Session, job: Job) -> list[Rate]:
    if job.in_progress_at is None:
        return []
    return histogram.throughput(session, job.id, job.in_progress_at)


def _errors(session: Session, job: Job, view: JobView) -> Mapping[str, int]:
    if not job.failed or (view.is_open and job.total > COUNTED_LIVE):
        return {}
    return results.error_counts(session, job.id)


def _changes(view: JobView) -> list[Change]:
    """Return what may be done to the job now."""
    changes: list[Change] = []
    if view.state in PAUSABLE_STATES:
        changes.append("resume" if view.paused else "pause")
    if view.is_open and view.state != "cancelling":
        changes.append("cancel")
    if view.state == "completed" and view.counts.failed:
        changes.append("retry")
    return changes
