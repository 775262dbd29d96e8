"""A truth for a job, from outside: the same for the API and for the page."""

from __future__ import annotations

import io
from typing import IO

from sqlalchemy.orm import Session

from semblante import jobs, truth
from semblante.errors import Conflict
from semblante.services import Services
from semblante.tables import Job
from semblante.truth import Attached, Labels
from semblante_web.access import record

MAX_TABLE_BYTES = 512 * 1024 * 1024
"""A table is read into memory."""


def attach(services: Services, job_id: str, table: IO[bytes] | None, name: str = "") -> Attached:
    """Take a CSV, or without one the names of folders, as the job's truth.

    Raises:
        NotFound: `job_not_found`.
        Conflict: `job_not_finished`.
        Refused: What the functions of `truth` do.
    """
    labels = None if table is None else _read(services, job_id, table, name)
    with services.database.writing() as session:
        job = _completed(session, job_id)
        record(session, "truth", job_id)
        if labels is None:
            return truth.attach_folders(session, job)
        return truth.attach_labels(session, job, labels)


def _read(services: Services, job_id: str, table: IO[bytes], name: str) -> Labels:
    """Read a table before the transaction that writes: nobody else could write meanwhile."""
    with services.database.reading() as session:
        job = _completed(session, job_id)
    return truth.read_labels(job, io.TextIOWrapper(table, encoding="utf-8-sig", newline=""), name)


def _completed(session: Session, job_id: str) -> Job:
    job = jobs.get(session, job_id)
    if job.state != "completed":
        raise Conflict("job_not_finished", "The job is %(state)s.", state=job.state)
    return job
