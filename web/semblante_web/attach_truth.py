"""A truth for a job, from outside: the same for the API and for the page."""

from __future__ import annotations

import io
from typing import IO

from semblante import jobs, truth
from semblante.errors import Conflict
from semblante.services import Services
from semblante.truth import Attached
from semblante_web.access import record

MAX_TABLE_BYTES = 512 * 1024 * 1024
"""A table is read into memory."""


def attach(services: Services, job_id: str, table: IO[bytes] | None, name: str = "") -> Attached:
    """Take a CSV, or without one the names of folders, as the job's truth.

    Raises:
        NotFound: `job_not_found`.
        Conflict: `job_not_finished`.
        Refused: What `truth.attach_table` and `truth.attach_folders` do.
    """
    with services.database.writing() as session:
        job = jobs.get(session, job_id)
        if job.state != "completed":
            raise Conflict("job_not_finished", "The job is %(state)s.", state=job.state)
        record(session, "truth", job_id)
        if table is None:
            return truth.attach_folders(session, job)
        lines = io.TextIOWrapper(table, encoding="utf-8-sig", newline="")
        return truth.attach_table(session, job, lines, name)
