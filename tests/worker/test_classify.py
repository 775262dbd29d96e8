"""Classify: every image gets exactly one honest row, whatever comes twice, breaks or is stopped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from factory import jpeg, reload, submit, zip_bytes
from semblante import chunks, jobs
from semblante.bundles import Bundle
from semblante.errors import ImageError
from semblante.jobs import ModelOfJob
from semblante.services import Services
from semblante.storage import LocalStorage
from semblante.tables import Chunk, Image, Job, Result
from semblante_worker.classify import classify_chunk
from semblante_worker.decode import Failure
from semblante_worker.finish import finish_job
from semblante_worker.index import index_job
from semblante_worker.predict import Prediction, Predictor

MEMBERS = {
    "a.jpg": jpeg(10),
    "broken.jpg": jpeg(20)[:200],
    "text.jpg": b"no image at all",
    "b.jpg": jpeg(30, (80, 40)),
    "notes.txt": b"skipped",
    "c.jpg": jpeg(40),
}


@pytest.fixture
def job(services: Services, model: ModelOfJob) -> Job:
    job = submit(services, zip_bytes(MEMBERS), model=model.reference)
    index_job(services, job.id)
    return job


def statuses(services: Services, job: Job) -> list[tuple[int, str, str | None]]:
    with services.database.reading() as session:
        query = session.query(Result).where(Result.job_id == job.id).order_by(Result.image_index)
        return [(row.image_index, row.status, row.error_code) for row in query]


EXPECTED = [
    (0, "ok", None),
    (1, "failed", "truncated_image"),
    (2, "failed", "unsupported_format"),
    (3, "ok", None),
    (4, "ok", None),
]


def test_one_bad_image_costs_one_row(services: Services, predictor: Predictor, job: Job) -> None:
    classify_chunk(services, predictor, job.id, 0)
    assert statuses(services, job) == EXPECTED
    assert reload(services, job).state == "finalizing"


def test_a_message_that_comes_twice_changes_nothing(
    services: Services, predictor: Predictor, job: Job
) -> None:
    for _twice in range(2):
        classify_chunk(services, predictor, job.id, 0)
    assert statuses(services, job) == EXPECTED
    job = reload(services, job)
    assert (job.ok, job.failed, job.faces) == (3, 2, 3)


def test_the_csv_is_written_when_the_job_completes(
    services: Services, predictor: Predictor, job: Job
) -> None:
    classify_chunk(services, predictor, job.id, 0)
    for _twice in range(2):
        finish_job(services, job.id)
    assert reload(services, job).state == "completed"
    data = b"".join(services.storage.blocks(f"{jobs.results_folder(job.id)}/results.csv"))
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert [row["image_path"] for row in rows] == [
        "a.jpg",
        "broken.jpg",
        "text.jpg",
        "b.jpg",
        "c.jpg",
    ]
    assert (rows[3]["width"], rows[3]["height"]) == ("80", "40")
    assert (rows[3]["face_w"], rows[3]["face_h"]) == ("80", "40")
    total = sum(float(rows[0][emotion["id"]]) for emotion in job.classes)
    assert abs(total - 1) < 1e-3


def test_finish_refuses_a_job_with_a_missing_row(
    services: Services, predictor: Predictor, job: Job
) -> None:
    classify_chunk(services, predictor, job.id, 0)
    with services.database.writing() as session:
        session.delete(session.get_one(Result, (job.id, 3, 0)))
    finish_job(services, job.id)
    job = reload(services, job)
    assert (job.state, job.error_code) == ("failed", "incomplete_results")


def test_retry_replaces_the_failed_rows_only(
    services: Services, predictor: Predictor, job: Job
) -> None:
    classify_chunk(services, predictor, job.id, 0)
    finish_job(services, job.id)
    healed = zip_bytes(MEMBERS | {"text.jpg": jpeg(50)})
    services.storage.write(f"uploads/{job.upload_id}", [healed])
    with services.database.writing() as session:
        index_after = submit(services, healed, model=job.model)
        index_job(services, index_after.id)
        jobs.retry(session, services.queue, jobs.get(session, job.id), services.settings)
        new = {
            image.index: image
            for image in session.query(Image).where(Image.job_id == index_after.id)
        }
        for image in session.query(Image).where(Image.job_id == job.id):
            fresh = new[image.index]
            image.offset, image.packed_bytes = fresh.offset, fresh.packed_bytes
            image.unpacked_bytes, image.crc32 = fresh.unpacked_bytes, fresh.crc32
    classify_chunk(services, predictor, job.id, 0)
    finish_job(services, job.id)
    assert statuses(services, job) == [*EXPECTED[:2], (2, "ok", None), *EXPECTED[3:]]
    job = reload(services, job)
    assert (job.state, job.ok, job.failed, job.faces) == ("completed", 4, 1, 4)


def test_an_image_that_ends_its_workers_gets_its_row(
    services: Services, predictor: Predictor, model: ModelOfJob
) -> None:
    job = submit(services, zip_bytes({"killer.jpg": jpeg()}), model=model.reference)
    index_job(services, job.id)
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 0)).attempts = services.settings.max_attempts
    classify_chunk(services, predictor, job.id, 0)
    assert statuses(services, job) == [(0, "failed", "worker_crash")]


class FailsOnce(LocalStorage):
    """A storage whose first ranged read breaks off."""

    broken = True

    def read(self, key: str, start: int, length: int) -> bytes:
        if self.broken:
            self.broken = False
            raise ConnectionResetError("the storage went away")
        return super().read(key, start, length)


def test_a_storage_that_fails_now_and_then_costs_no_attempt(
    services: Services, predictor: Predictor, job: Job
) -> None:
    assert isinstance(services.storage, LocalStorage)
    flaky = replace(services, storage=FailsOnce(services.storage.folder))
    with pytest.raises(ConnectionResetError):
        classify_chunk(flaky, predictor, job.id, 0)
    with services.database.reading() as session:
        chunk = session.get_one(Chunk, (job.id, 0))
        assert (chunk.state, chunk.attempts) == ("pending", 0)
    classify_chunk(flaky, predictor, job.id, 0)
    assert statuses(services, job) == EXPECTED


class Explodes(Predictor):
    """A predictor with a defect that one image brings out."""

    def predict_images(
        self, pairs: Iterable[tuple[int, bytes | ImageError]], bundle: Bundle
    ) -> Iterator[Prediction | Failure]:
        for index, data in pairs:
            if index == 3:
                raise ZeroDivisionError("a defect")
            yield from super().predict_images([(index, data)], bundle)


def test_an_image_that_brings_out_a_defect_is_isolated(services: Services, job: Job) -> None:
    predictor = Explodes(services.settings.model_copy(update={"compute_threads": 1}))
    for _attempt in range(60):
        with services.database.writing() as session:
            locked = jobs.get(session, job.id)
            chunks.queue_window(session, services.queue, locked, 64)
            query = session.query(Chunk.first).where(Chunk.state != "done")
            waiting = [row.first for row in query]
        for first in waiting:
            with suppress(ZeroDivisionError):
                classify_chunk(services, predictor, job.id, first)
    isolated = list(EXPECTED)
    isolated[3] = (3, "failed", "worker_crash")
    assert statuses(services, job) == isolated
    assert reload(services, job).state == "finalizing"


class Interrupts(LocalStorage):
    """A storage that lets something happen to the job in the middle of a chunk."""

    def __init__(self, folder: LocalStorage, services: Services, job: Job, what: str) -> None:
        super().__init__(folder.folder)
        self.services, self.job, self.what = services, job, what

    def read(self, key: str, start: int, length: int) -> bytes:
        with self.services.database.writing() as session:
            job = jobs.get(session, self.job.id)
            if self.what == "lease lost":
                chunk = session.get_one(Chunk, (job.id, 0))
                chunk.lease_token = "another"
                chunk.lease_until = datetime.now(UTC) + timedelta(minutes=1)
            elif job.state == "in_progress":
                {"cancel": jobs.cancel, "pause": jobs.pause, "delete": jobs.delete}[self.what](
                    session, job
                )
        return super().read(key, start, length)


@pytest.mark.parametrize(
    ("what", "state", "rows"),
    [
        ("cancel", "cancelled", []),
        ("pause", "finalizing", EXPECTED),
        ("lease lost", "in_progress", []),
    ],
)
def test_what_happens_in_the_middle_of_a_chunk(
    services: Services,
    predictor: Predictor,
    job: Job,
    what: str,
    state: str,
    rows: list[tuple[int, str, str | None]],
) -> None:
    assert isinstance(services.storage, LocalStorage)
    storage = Interrupts(services.storage, services, job, what)
    classify_chunk(replace(services, storage=storage), predictor, job.id, 0)
    assert statuses(services, job) == rows
    assert reload(services, job).state == state


def test_a_job_deleted_in_the_middle_leaves_no_row(
    services: Services, predictor: Predictor, job: Job
) -> None:
    assert isinstance(services.storage, LocalStorage)
    storage = Interrupts(services.storage, services, job, "delete")
    classify_chunk(replace(services, storage=storage), predictor, job.id, 0)
    assert statuses(services, job) == []


def test_a_model_that_is_not_installed_fails_the_job(
    services: Services, predictor: Predictor
) -> None:
    job = submit(services, zip_bytes(MEMBERS), model="unknown@000000000000")
    index_job(services, job.id)
    classify_chunk(services, predictor, job.id, 0)
    job = reload(services, job)
    assert (job.state, job.error_code) == ("failed", "model_missing")
