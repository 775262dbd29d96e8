"""What a person does with jobs."""

from __future__ import annotations

import pytest

from factory import reload, start, submit
from semblante import chunks, job_list, jobs, lifecycle, results, views
from semblante.errors import Conflict, NotFound
from semblante.results import ResultRow
from semblante.services import Services
from semblante.tables import Chunk, EmotionCount, Image, Job, Result, Upload

ROW_TABLES = (Result, Chunk, Image, EmotionCount, Job, Upload)


def finish_chunk(services: Services, job: Job, first: int, statuses: list[str]) -> None:
    """Write a row per image of a chunk, as a worker does."""
    with services.database.writing() as session:
        claim = chunks.claim(session, services.queue, job.id, first, services.settings)
        assert claim is not None
    with services.database.writing() as session:
        job = jobs.get(session, job.id, lock=True)
        assert chunks.complete(session, claim)
        rows = [
            ResultRow(first + number, 0, status, "corrupt_image" if status == "failed" else None)
            for number, status in enumerate(statuses)
        ]
        results.write(session, job, rows, replaces_failed=claim.retry)
        session.flush()
        chunks.queue_window(session, services.queue, job, services.settings.window_chunks)
        jobs.finish_when_done(session, services.queue, job)


def complete(services: Services, job: Job) -> None:
    with services.database.writing() as session:
        lifecycle.move(jobs.get(session, job.id), "completed")


def retry(services: Services, job: Job) -> None:
    with services.database.writing() as session:
        jobs.retry(session, services.queue, jobs.get(session, job.id), services.settings)


def test_a_job_is_finalized_with_its_last_chunk(services: Services) -> None:
    job = start(services, images=4, per_chunk=2)
    finish_chunk(services, job, 0, ["ok", "failed"])
    assert reload(services, job).state == "in_progress"
    finish_chunk(services, job, 2, ["no_face", "ok"])
    job = reload(services, job)
    assert job.state == "finalizing"
    assert (job.total, job.ok, job.no_face, job.failed) == (4, 2, 1, 1)


def test_retry_works_on_failed_images_only(services: Services) -> None:
    job = start(services, images=4, per_chunk=2)
    finish_chunk(services, job, 0, ["ok", "ok"])
    finish_chunk(services, job, 2, ["failed", "ok"])
    complete(services, job)
    retry(services, job)
    with services.database.reading() as session:
        again = session.query(Chunk).where(Chunk.state == "queued").all()
        assert [(chunk.first, chunk.retry) for chunk in again] == [(2, True)]
        assert results.failed_indexes(session, job.id, 2, 2) == {2}
    finish_chunk(services, job, 2, ["ok"])
    job = reload(services, job)
    assert (job.state, job.ok, job.failed) == ("finalizing", 4, 0)


def test_retry_is_refused_without_a_failed_image(services: Services) -> None:
    job = start(services, images=1, per_chunk=1)
    with services.database.writing() as session, pytest.raises(Conflict, match="cannot become"):
        jobs.retry(session, services.queue, jobs.get(session, job.id), services.settings)
    finish_chunk(services, job, 0, ["ok"])
    complete(services, job)
    with services.database.writing() as session, pytest.raises(Conflict) as refusal:
        jobs.retry(session, services.queue, jobs.get(session, job.id), services.settings)
    assert refusal.value.code == "nothing_to_retry"


def test_cancel_waits_for_the_chunk_that_a_worker_holds(services: Services) -> None:
    job = start(services, images=2, per_chunk=1)
    with services.database.writing() as session:
        held = chunks.claim(session, services.queue, job.id, 0, services.settings)
        assert held is not None
    for _twice in range(2):
        with services.database.writing() as session:
            jobs.cancel(session, jobs.get(session, job.id))
    assert reload(services, job).state == "cancelling"
    with services.database.writing() as session:
        chunks.release(session, held)
        session.flush()
        jobs.settle_cancelled(session, jobs.get(session, job.id))
    assert reload(services, job).state == "cancelled"


def test_a_cancelled_retry_waits_for_its_worker_and_keeps_every_row(services: Services) -> None:
    job = start(services, images=4, per_chunk=2)
    finish_chunk(services, job, 0, ["failed", "ok"])
    finish_chunk(services, job, 2, ["failed", "ok"])
    complete(services, job)
    retry(services, job)
    with services.database.writing() as session:
        held = chunks.claim(session, services.queue, job.id, 2, services.settings)
        assert held is not None
    with services.database.writing() as session:
        jobs.cancel(session, jobs.get(session, job.id))
    assert reload(services, job).state == "cancelling"
    with services.database.writing() as session:
        chunks.release(session, held)
        session.flush()
        jobs.settle_cancelled(session, jobs.get(session, job.id))
    job = reload(services, job)
    assert (job.state, job.ok, job.failed) == ("finalizing", 2, 2)
    with services.database.reading() as session:
        states = [(chunk.state, chunk.retry) for chunk in session.query(Chunk)]
    assert states == [("done", False)] * 2


def test_delete_leaves_no_row_and_names_what_to_remove(services: Services) -> None:
    job = start(services, images=2, per_chunk=1)
    finish_chunk(services, job, 0, ["ok"])
    with services.database.writing() as session:
        keys = jobs.delete(session, jobs.get(session, job.id))
    assert keys == [f"results/{job.id}", f"uploads/{job.upload_id}"]
    with services.database.reading() as session:
        assert [session.query(table).count() for table in ROW_TABLES] == [0] * len(ROW_TABLES)
        with pytest.raises(NotFound):
            jobs.get(session, job.id)


def test_an_upload_that_another_job_uses_stays(services: Services) -> None:
    job = submit(services, b"x")
    with services.database.writing() as session:
        upload = session.get_one(Upload, job.upload_id)
        jobs.create(session, services.queue, upload, jobs.ModelOfJob("m", job.classes))
        assert jobs.delete(session, session.get_one(Job, job.id)) == [f"results/{job.id}"]


def test_jobs_are_listed_newest_first_behind_the_cursor(services: Services) -> None:
    made = [submit(services, b"x").id for _ in range(3)]
    with services.database.reading() as session:
        newest = [job.id for job in job_list.newest(session, limit=2)]
        rest = [job.id for job in job_list.newest(session, after=newest[-1])]
    assert newest + rest == made[::-1]


def test_a_view_tells_progress_and_outcome(services: Services) -> None:
    job = start(services, images=4, per_chunk=2)
    finish_chunk(services, job, 0, ["ok", "failed"])
    with services.database.reading() as session:
        view = views.job_view(session, jobs.get(session, job.id))
    assert (view.state, view.progress, view.outcome, view.is_open) == (
        "in_progress",
        0.5,
        None,
        True,
    )
    finish_chunk(services, job, 2, ["failed", "failed"])
    complete(services, job)
    with services.database.reading() as session:
        view = views.job_view(session, jobs.get(session, job.id))
    assert (view.progress, view.outcome, view.eta_seconds) == (1.0, "partial", None)
