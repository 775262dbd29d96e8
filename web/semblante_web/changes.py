"""What a person does to a job from outside: the same for the API and for the pages' buttons."""

from __future__ import annotations

from typing import Literal, get_args

from flask_babel import gettext

from semblante import jobs, steps
from semblante.errors import Conflict
from semblante.job_view import JobView
from semblante.lifecycle import OPEN_STATES
from semblante.services import Services
from semblante.thumbnail_cache import open_thumbnails
from semblante.views import job_view
from semblante_web.access import record

Change = Literal["cancel", "pause", "resume", "retry"]
CHANGES: tuple[Change, ...] = get_args(Change)


def view_of(services: Services, job_id: str) -> JobView:
    """Return the job as it is shown; raises NotFound."""
    with services.database.reading() as session:
        return job_view(session, jobs.get(session, job_id), gettext)


def change(services: Services, job_id: str, what: Change) -> JobView:
    """Do `what` to the job and return it.

    Raises:
        NotFound: `job_not_found`.
        Conflict: `illegal_transition`, `nothing_to_retry` or `model_removed`.
    """
    with services.database.writing() as session:
        job = jobs.get(session, job_id, lock=True)
        if what == "cancel":
            jobs.cancel(session, job)
            steps.resend(session, services.queue, job)
        elif what == "pause":
            jobs.pause(session, job)
        elif what == "resume":
            jobs.resume(session, services.queue, job, services.settings)
        else:
            jobs.retry(session, services.queue, job, services.settings)
        record(session, what, job_id)
        session.flush()
        return job_view(session, job, gettext)


def remove(services: Services, job_id: str) -> None:
    """Delete a job that has ended, its results and, unless another job uses them, its bytes.

    Raises:
        NotFound: `job_not_found`.
        Conflict: `illegal_transition`, while a worker may still write.
    """
    with services.database.writing() as session:
        job = jobs.get(session, job_id, lock=True)
        if job.state in OPEN_STATES:
            raise Conflict("illegal_transition", "Cancel the job before you delete it.")
        keys = jobs.delete(session, job)
        record(session, "delete", job_id)
    for key in keys:
        services.storage.delete(key)
    open_thumbnails(services.settings).forget(job_id)
