"""Expired jobs keep their row and counts, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from factory import jpeg, reload, start, submit, zip_bytes
from semblante import jobs, lifecycle, results, retention
from semblante.errors import NotFound
from semblante.results import ResultRow
from semblante.retention import OPTION, expire_jobs, expires_at
from semblante.services import Services
from semblante.tables import Chunk, Correction, Folder, Image, Job, Result, Truth, Upload


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "IMAGES_PER_TRANSACTION", 2)


def ended_job(services: Services, days_ago: float, **options: float) -> Job:
    """Return a completed job with five rows that ended `days_ago`."""
    job = start(services, images=5, per_chunk=2)
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        job.options = {**job.options, **options}
        rows = [ResultRow(index, 0, "failed", "corrupt_image") for index in range(5)]
        results.write(session, job, rows, replaces_failed=False)
        lifecycle.move(job, "finalizing")
        lifecycle.move(job, "completed")
        job.completed_at = datetime.now(UTC) - timedelta(days=days_ago)
    services.storage.write(f"{jobs.results_folder(job.id)}/results.csv", [b"csv"])
    return job


def upload_key(services: Services, job: Job) -> str:
    with services.database.reading() as session:
        return session.get_one(Upload, job.upload_id).storage_key


def rows_of(services: Services, job: Job) -> list[int]:
    with services.database.reading() as session:
        return [
            session.scalar(select(func.count()).where(table.job_id == job.id)) or 0
            for table in (Image, Chunk, Result)
        ]


def test_what_people_said_of_the_images_goes_with_them(services: Services) -> None:
    job = ended_job(services, 31)
    with services.database.writing() as session:
        session.add(Truth(job_id=job.id, image_index=0, emotion="fear"))
        session.add(
            Correction(
                job_id=job.id,
                image_index=0,
                face_id=0,
                emotion="fear",
                corrected_at=datetime.now(UTC),
            )
        )
        session.add(Folder(job_id=job.id, path="Ana/", first=0, last=4, images=5))
    expire_jobs(services)
    with services.database.reading() as session:
        for table in (Truth, Correction, Folder):
            assert session.scalar(select(func.count()).where(table.job_id == job.id)) == 0


def test_a_job_expires_after_its_days(services: Services) -> None:
    old, fresh = ended_job(services, 31), ended_job(services, 29)
    expire_jobs(services)
    expire_jobs(services)
    assert rows_of(services, old) == [0, 0, 0]
    assert rows_of(services, fresh) == [5, 3, 5]
    job = reload(services, old)
    assert (job.state, job.total, job.failed) == ("expired", 5, 5)
    assert job.expired_at is not None
    for key in (upload_key(services, old), f"{jobs.results_folder(old.id)}/results.csv"):
        with pytest.raises(NotFound):
            services.storage.size(key)
    assert services.storage.size(upload_key(services, fresh)) == 0


@pytest.mark.parametrize(
    ("own", "days_ago", "state"),
    [(1, 2, "expired"), (60, 31, "completed"), (0, 3000, "completed")],
)
def test_a_job_may_have_its_own_days(
    services: Services, own: float, days_ago: float, state: str
) -> None:
    job = ended_job(services, days_ago, **{OPTION: own})
    expire_jobs(services)
    assert reload(services, job).state == state


def test_unfinished_jobs_never_expire(services: Services) -> None:
    job = start(services, images=1, per_chunk=1)
    with services.database.writing() as session:
        stored = jobs.get(session, job.id)
        stored.created_at = stored.in_progress_at = datetime.now(UTC) - timedelta(days=999)
        assert expires_at(stored, 30) is None
    expire_jobs(services)
    assert reload(services, job).state == "in_progress"


def test_bytes_that_another_job_needs_stay(services: Services) -> None:
    old = ended_job(services, 31)
    with services.database.writing() as session:
        other = submit(services, zip_bytes({"a.jpg": jpeg()}))
        session.merge(other).upload_id = old.upload_id
    expire_jobs(services)
    assert reload(services, old).state == "expired"
    assert services.storage.size(upload_key(services, old)) == 0


def test_what_was_interrupted_is_finished(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ended_job(services, 31)

    def break_off(_key: str) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(services.storage, "delete", break_off)
        with pytest.raises(ConnectionError):
            expire_jobs(services)
    assert rows_of(services, job) == [5, 3, 5]
    expire_jobs(services)
    assert rows_of(services, job) == [0, 0, 0]
