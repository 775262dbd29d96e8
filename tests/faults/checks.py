"""What must hold after every run, whatever happened in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from faults.site import Site
from semblante import jobs
from semblante.tables import Chunk, ConfidenceCount, EmotionCount, Image, Job, Result
from semblante_worker.orphans import remove_orphans


def check_rows(site: Site, job_id: str) -> None:
    """The invariant of a job, counters that equal the rows, and no lease that anybody holds."""
    with site.services.database.reading() as session:
        job = jobs.get(session, job_id)
        images = session.scalar(select(func.count()).where(Image.job_id == job_id))
        rows = session.scalar(select(func.count()).where(Result.job_id == job_id))
        with_rows = session.scalar(
            select(func.count(Result.image_index.distinct())).where(Result.job_id == job_id)
        )
        assert job.total == job.ok + job.no_face + job.failed
        assert (images, rows, with_rows) == (job.total, job.total, job.total)
        assert session.scalar(select(func.sum(Chunk.count))) == job.total
        assert set(session.scalars(select(Chunk.state))) == {"done"}
        check_counters(session, job)
        for table in (Chunk, Job):
            held = select(func.count()).select_from(table).where(table.lease_token.is_not(None))
            assert session.scalar(held) == 0, f"a lease of {table.__tablename__} is held"


def _table(session: Session, query: Select[Any, int]) -> list[tuple[Any, int]]:
    return sorted((name, number) for name, number in session.execute(query))


def check_counters(session: Session, job: Job) -> None:
    """What is counted beside the rows must equal them."""
    counted = select(EmotionCount.emotion, EmotionCount.faces).where(
        EmotionCount.job_id == job.id, EmotionCount.faces > 0
    )
    rows = (
        select(Result.emotion, func.count())
        .where(Result.job_id == job.id, Result.status == "ok")
        .group_by(Result.emotion)
    )
    assert _table(session, counted) == _table(session, rows)
    bins = select(func.sum(ConfidenceCount.faces)).where(ConfidenceCount.job_id == job.id)
    assert session.scalar(bins) == job.faces == job.ok


def check_files(site: Site, job_id: str) -> None:
    """Once tidied, the storage has the upload and the results, and nothing half-written."""
    hours = 1e-9  # all that is there is old enough
    services = site.services
    settings = services.settings.model_copy(update={"upload_expiry_hours": hours})
    remove_orphans(type(services)(settings, services.database, services.storage, services.queue))
    with services.database.reading() as session:
        upload_key = f"uploads/{jobs.get(session, job_id).upload_id}"
    keys = {
        found.key
        for folder in ("uploads", "results", "models", "predict", "health")
        for found in services.storage.keys(folder)
    }
    assert keys == {upload_key, f"results/{job_id}/results.csv"}


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return every process that works in `folder`."""
    sign = str(folder)
    found = []
    for process in psutil.process_iter():
        try:
            if any(sign in text for text in (*process.cmdline(), *process.environ().values())):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
