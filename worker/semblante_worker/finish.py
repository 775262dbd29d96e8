"""Finish: check that every image has its rows, write the files of results, complete the job."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from semblante import jobs
from semblante.export import csv_blocks
from semblante.message import Message
from semblante.services import Services
from semblante.steps import never, take_step
from semblante.tables import Job, Result


def finish_job(services: Services, job_id: str, stops: Callable[[], bool] = never) -> None:
    """Write results.csv to the storage and stamp the job completed."""
    with take_step(services.database, services.settings, job_id, "finalizing", stops) as step:
        if step is None:
            return
        with services.database.reading() as session:
            job = jobs.get(session, job_id)
            missing = _missing_images(session, job)
            if missing == 0:
                blocks = step.keeping(csv_blocks(session, job))
                services.storage.write(f"{jobs.results_folder(job_id)}/results.csv", blocks)
        with step.writing() as (session, job):
            if missing:
                detail = Message(
                    "%(missing)s images have no result row: please report this as a defect.",
                    missing=missing,
                )
                jobs.fail(session, job, "incomplete_results", detail)
            else:
                jobs.complete(session, job)


def _missing_images(session: Session, job: Job) -> int:
    """Return by how many images the invariant of DESIGN section 5 is broken."""
    counted = job.ok + job.no_face + job.failed
    query = select(func.count(Result.image_index.distinct())).where(Result.job_id == job.id)
    with_rows = session.scalar(query) or 0
    return max(abs(job.total - counted), abs(job.total - with_rows))
