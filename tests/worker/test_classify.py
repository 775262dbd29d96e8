"""Classify: every image gets exactly one honest row, whatever comes twice, breaks or is stopped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image as Picture

from factory import CLASSES, jpeg, reload, submit, zip_bytes
from semblante import chunks, jobs
from semblante.bundles import Bundle
from semblante.detection import Detect
from semblante.detector_weights import yunet_path
from semblante.errors import ImageError
from semblante.export import csv_blocks
from semblante.jobs import ModelOfJob
from semblante.local_storage import LocalStorage
from semblante.services import Services
from semblante.settings import Settings
from semblante.tables import Chunk, Image, Job, Result
from semblante_worker.classify import classify_chunk
from semblante_worker.finish import finish_job
from semblante_worker.index import index_job
from semblante_worker.outcome import Unlabelled
from semblante_worker.own_worker import OwnWorker
from semblante_worker.predict import Prediction, Predictor
from semblante_worker.repeats import Repeats

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
    job = submit(services, zip_bytes(MEMBERS), model=model)
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


def test_a_worker_that_is_to_end_leaves_no_half_written_csv(
    services: Services, predictor: Predictor, job: Job
) -> None:
    classify_chunk(services, predictor, job.id, 0)
    finish_job(services, job.id, lambda: True)
    left = reload(services, job)
    assert (left.state, left.attempts, left.lease_token) == ("finalizing", 0, None)
    assert list(services.storage.keys("results")) == []
    finish_job(services, job.id)
    assert reload(services, job).state == "completed"


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
        index_after = submit(services, healed)
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
    job = submit(services, zip_bytes({"killer.jpg": jpeg()}), model=model)
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


def test_a_worker_that_is_to_end_gives_its_chunk_to_another_at_once(
    services: Services, predictor: Predictor, job: Job
) -> None:
    answers = iter([False, False, True])
    sent = services.queue.depth("classify")
    worker = OwnWorker("batch@here", lambda: next(answers, True))
    classify_chunk(services, predictor, job.id, 0, worker)
    with services.database.reading() as session:
        chunk = session.get_one(Chunk, (job.id, 0))
        assert (chunk.state, chunk.attempts, chunk.lease_token) == ("queued", 0, None)
    assert services.queue.depth("classify") == sent + 1
    classify_chunk(services, predictor, job.id, 0)
    assert statuses(services, job) == EXPECTED


class Explodes(Predictor):
    """A predictor with a defect that one image brings out."""

    def predict_images(
        self,
        pairs: Iterable[tuple[int, bytes | ImageError]],
        bundle: Bundle,
        detect: Detect = "off",
        repeats: Repeats | None = None,
    ) -> Iterator[Prediction | Unlabelled]:
        for index, data in pairs:
            if index == 3:
                raise ZeroDivisionError("a defect")
            yield from super().predict_images([(index, data)], bundle, detect, repeats)


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


def test_a_retry_without_its_upload_leaves_what_there_was(
    services: Services, predictor: Predictor, job: Job
) -> None:
    classify_chunk(services, predictor, job.id, 0)
    finish_job(services, job.id)
    services.storage.delete(f"uploads/{job.upload_id}")
    with services.database.writing() as session:
        jobs.retry(session, services.queue, jobs.get(session, job.id), services.settings)
    classify_chunk(services, predictor, job.id, 0)
    left = reload(services, job)
    assert (left.state, left.error_code) == ("finalizing", "upload_missing")
    finish_job(services, job.id)
    assert statuses(services, job) == EXPECTED
    left = reload(services, job)
    assert (left.state, left.total, left.ok, left.failed) == ("completed", 5, 3, 2)


def test_a_model_that_is_not_installed_fails_the_job(
    services: Services, predictor: Predictor
) -> None:
    unknown = ModelOfJob("unknown@000000000000", CLASSES, "0" * 64)
    job = submit(services, zip_bytes(MEMBERS), model=unknown)
    index_job(services, job.id)
    classify_chunk(services, predictor, job.id, 0)
    job = reload(services, job)
    assert (job.state, job.error_code) == ("failed", "model_missing")


def test_damaged_weights_of_the_detector_fail_the_job(
    services: Services, model: ModelOfJob, tmp_path: Path
) -> None:
    path = yunet_path(services.settings.data)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damage")
    job = submit(services, zip_bytes(MEMBERS), model=model, detect="on")
    index_job(services, job.id)
    classify_chunk(services, Predictor(services.settings), job.id, 0)
    job = reload(services, job)
    assert (job.state, job.error_code) == ("failed", "corrupt_detector")


def test_every_face_has_its_row_and_an_image_without_one_says_so(
    services: Services, model: ModelOfJob, predictor: Predictor, shared_data: Path
) -> None:
    """By the cascade, because the data folder has no weights of YuNet."""
    folder = shared_data / "fixtures" / "photos_ccby"
    with Picture.open(folder / "happy_043.jpg") as photo:
        portrait = photo.resize((300, 300))
    group = Picture.new("RGB", (700, 300), "grey")
    group.paste(portrait.resize((240, 240)), (0, 0))
    group.paste(portrait, (350, 0))
    buffer = io.BytesIO()
    group.save(buffer, "PNG")
    members = {
        "group.png": buffer.getvalue(),
        "forest.jpg": (folder / "noface_forest-5524569_640.jpg").read_bytes(),
        "broken.jpg": jpeg(20)[:200],
        "group again.png": buffer.getvalue(),
        "small.jpg": jpeg(10),
    }
    job = submit(services, zip_bytes(members), model=model, detect="auto")
    index_job(services, job.id)
    classify_chunk(services, predictor, job.id, 0)
    finish_job(services, job.id)

    job = reload(services, job)
    assert (job.total, job.ok, job.no_face, job.failed, job.faces) == (5, 3, 1, 1, 5)
    assert job.detectors == ["haarcascade_frontalface_alt2"]
    with services.database.reading() as session:
        lines = b"".join(csv_blocks(session, job)).decode()
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert [(row["image_path"], row["face_id"], row["status"]) for row in rows] == [
        ("group.png", "0", "ok"),
        ("group.png", "1", "ok"),
        ("forest.jpg", "0", "no_face"),
        ("broken.jpg", "0", "failed"),
        ("group again.png", "0", "ok"),
        ("group again.png", "1", "ok"),
        ("small.jpg", "0", "ok"),
    ]
    large, small = rows[:2]
    assert int(large["face_x"]) >= 350 > int(small["face_x"]) + int(small["face_w"])
    assert int(large["face_w"]) > int(small["face_w"])
    assert [rows[2][name] for name in ("emotion", "face_x", "width")] == ["", "", "640"]
    assert [rows[6][name] for name in ("face_x", "face_w", "face_confidence")] == ["0", "32", ""]
    assert [row["emotion"] for row in rows[4:6]] == [large["emotion"], small["emotion"]]


def test_a_model_that_cannot_run_here_fails_the_job(
    services: Services, job: Job, tmp_path: Path
) -> None:
    on_no_device = Predictor(Settings(data=tmp_path, device="cuda:99"))
    classify_chunk(services, on_no_device, job.id, 0)
    job = reload(services, job)
    assert (job.state, job.error_code) == ("failed", "model_missing")
    assert "There is no device 'cuda:99'" in str(job.error_detail)
