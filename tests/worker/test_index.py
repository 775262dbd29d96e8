"""Index: rows of images and chunks from real archives, and refusals that leave nothing behind."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NoReturn

import pytest

from archives import tar_of
from factory import jpeg, reload, submit, zip_bytes
from semblante import jobs
from semblante.local_storage import LocalStorage
from semblante.services import Services
from semblante.tables import Chunk, Image, Job
from semblante_worker.index import index_job

MEMBERS = {"a.jpg": jpeg(), "text.txt": b"hello", "niños/b c.jpg": jpeg(90), "raw": jpeg(10)}
UPLOADS = {
    "faces.zip": zip_bytes(MEMBERS),
    "faces.tar": tar_of(MEMBERS),
    "faces.tar.gz": gzip.compress(tar_of(MEMBERS)),
}


def index(services: Services, data: bytes, filename: str) -> Job:
    job = submit(services, data, filename)
    index_job(services, job.id)
    return reload(services, job)


def images_of(services: Services, job: Job) -> list[Image]:
    with services.database.reading() as session:
        return session.query(Image).where(Image.job_id == job.id).order_by(Image.index).all()


@pytest.mark.parametrize("filename", UPLOADS)
def test_an_archive_becomes_images_in_its_order(services: Services, filename: str) -> None:
    job = index(services, UPLOADS[filename], filename)
    assert (job.state, job.total, job.skipped, job.lease_token) == ("in_progress", 3, 1, None)
    assert [image.path for image in images_of(services, job)] == ["a.jpg", "niños/b c.jpg", "raw"]
    assert services.queue.depth("classify") == 1


def test_a_zip_is_listed_without_reading_its_images(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 GB that would take minutes, in which nothing is labelled."""
    data = zip_bytes({f"{n}.jpg": jpeg() + bytes(1_000_000) for n in range(8)})
    read = 0
    honest = LocalStorage.read

    def counted(self: LocalStorage, key: str, start: int, length: int) -> bytes:
        nonlocal read
        found = honest(self, key, start, length)
        read += len(found)
        return found

    def blocks(_self: LocalStorage, key: str) -> NoReturn:
        raise AssertionError(f"all of {key} is read")

    monkeypatch.setattr(LocalStorage, "read", counted)
    monkeypatch.setattr(LocalStorage, "blocks", blocks)
    assert index(services, data, "faces.zip").total == 8
    assert 0 < read < len(data) / 8


def test_one_image_is_an_archive_of_one(services: Services) -> None:
    job = index(services, jpeg(), "portrait.jpg")
    assert (job.state, job.total) == ("in_progress", 1)
    assert [image.path for image in images_of(services, job)] == ["portrait.jpg"]


def test_the_chunks_cover_all_images_once(services: Services) -> None:
    small = services.settings.model_copy(update={"chunk_images": 3})
    services = Services(small, services.database, services.storage, services.queue)
    job = index(services, zip_bytes({f"{n}.jpg": jpeg(n) for n in range(8)}), "x.zip")
    with services.database.reading() as session:
        runs = session.query(Chunk.first, Chunk.count).order_by(Chunk.first).all()
    assert [tuple(run) for run in runs] == [(0, 3), (3, 3), (6, 2)]
    assert job.total == 8


def test_a_second_run_begins_anew(services: Services) -> None:
    job = submit(services, UPLOADS["faces.tar.gz"], "faces.tar.gz")
    index_job(services, job.id)
    with services.database.writing() as session:  # as if the first run had died before its end
        session.get_one(Job, job.id).state = "validating"
    index_job(services, job.id)
    assert reload(services, job).total == 3
    assert len(images_of(services, job)) == 3


@pytest.mark.parametrize("filename", UPLOADS)
def test_a_worker_that_is_to_end_leaves_the_step_to_the_next(
    services: Services, filename: str
) -> None:
    job = submit(services, UPLOADS[filename], filename)
    for _time in range(services.settings.max_attempts + 1):
        index_job(services, job.id, lambda: True)
    left = reload(services, job)
    assert (left.state, left.attempts, left.lease_token) == ("validating", 0, None)
    index_job(services, job.id)
    assert reload(services, job).total == 3


def test_a_repeated_path_is_marked_from_its_second_time_on(services: Services) -> None:
    data = zip_bytes({"a.jpg": jpeg(), "b.jpg": jpeg(), "A.jpg": jpeg(), "@.jpg": jpeg()})
    data = data.replace(b"A.jpg", b"a.jpg").replace(b"@.jpg", b"a.jpg")
    job = index(services, data, "x.zip")
    codes = [image.error_code for image in images_of(services, job)]
    assert codes == [None, None, "duplicate_path", "duplicate_path"]


REFUSED = {
    "empty.zip": (zip_bytes({}), "no_images"),
    "no-image.zip": (zip_bytes({"notes/readme.txt": b"hello"}), "no_images"),
    "text.zip": (b"this is a text file with the name of an archive\n" * 9, "not_an_archive"),
    "truncated.zip": (UPLOADS["faces.zip"][:-30], "corrupt_archive"),
    "nothing.zip": (b"", "not_an_archive"),
    "truncated.tar.gz": (UPLOADS["faces.tar.gz"][:-40], "corrupt_archive"),
}


@pytest.mark.parametrize("filename", REFUSED)
def test_what_cannot_be_processed_fails_with_its_reason(services: Services, filename: str) -> None:
    data, code = REFUSED[filename]
    job = index(services, data, filename)
    assert (job.state, job.error_code) == ("failed", code)
    assert job.error_detail
    assert images_of(services, job) == []
    folder = Path(services.settings.data) / "storage"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_too_many_members_are_refused(services: Services) -> None:
    few = services.settings.model_copy(update={"max_archive_entries": 2})
    services = Services(few, services.database, services.storage, services.queue)
    assert index(services, UPLOADS["faces.zip"], "x.zip").error_code == "too_many_entries"


def test_an_upload_whose_bytes_are_gone_fails_the_job(services: Services) -> None:
    job = submit(services, UPLOADS["faces.zip"])
    services.storage.delete(f"uploads/{job.upload_id}")
    index_job(services, job.id)
    assert reload(services, job).error_code == "upload_missing"


def test_a_cancelled_job_is_not_indexed(services: Services) -> None:
    job = submit(services, UPLOADS["faces.zip"])
    with services.database.writing() as session:
        jobs.cancel(session, jobs.get(session, job.id))
    index_job(services, job.id)
    assert reload(services, job).state == "cancelled"
    assert images_of(services, job) == []
