from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from factory import jpeg, zip_bytes
from semblante import job_list, jobs, lifecycle
from semblante.bundles import Bundle, shipped_bundle
from semblante.cli.label_input import describe_input
from semblante.cli.local_job import (
    csv_of,
    failures_of,
    forget,
    interrupted_job,
    note_written,
    start_job,
    view_of,
)
from semblante.results import ResultRow, write
from semblante.services import Services
from semblante.tables import Image, Upload


@pytest.fixture
def bundle(services: Services) -> Bundle:
    return shipped_bundle("resnet18-raf7")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "caras.zip"
    path.write_bytes(zip_bytes({"a.jpg": jpeg()}))
    return path


def begin(services: Services, path: Path, bundle: Bundle) -> str:
    return start_job(services, describe_input([path]), bundle, "en", lambda _stored: None)


def test_an_archive_is_used_where_it_lies(
    services: Services, bundle: Bundle, archive: Path
) -> None:
    view = view_of(services, begin(services, archive, bundle))
    stored = next((services.settings.data / "storage" / "uploads").iterdir())
    assert stored.readlink() == archive
    assert (view.filename, view.state) == ("caras.zip", "validating")
    assert view.model == bundle.reference
    assert services.queue.depth("control") == 1


def test_a_folder_is_packed_into_the_storage(
    services: Services, bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "caras" / "niños").mkdir(parents=True)
    (tmp_path / "caras" / "niños" / "a.jpg").write_bytes(b"one")
    seen: list[int] = []
    job_id = start_job(services, describe_input([tmp_path / "caras"]), bundle, "en", seen.append)
    stored = next((services.settings.data / "storage" / "uploads").iterdir())
    with zipfile.ZipFile(io.BytesIO(stored.read_bytes())) as packed:
        assert packed.read("niños/a.jpg") == b"one"
    assert view_of(services, job_id).size_bytes == stored.stat().st_size == seen[-1]


def test_an_interrupt_while_packing_leaves_nothing(
    services: Services, bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "caras").mkdir()
    (tmp_path / "caras" / "a.jpg").write_bytes(b"one")

    def interrupt(_stored: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start_job(services, describe_input([tmp_path / "caras"]), bundle, "en", interrupt)
    with services.database.reading() as session:
        assert session.query(Upload).count() == 0
    assert list((services.settings.data / "storage" / "uploads").iterdir()) == []


def test_the_same_input_continues_its_job(
    services: Services, bundle: Bundle, archive: Path
) -> None:
    job_id = begin(services, archive, bundle)
    assert interrupted_job(services, describe_input([archive]), bundle) == job_id


def test_a_resting_job_is_resumed(services: Services, bundle: Bundle, archive: Path) -> None:
    job_id = begin(services, archive, bundle)
    with services.database.writing() as session:
        jobs.pause(session, jobs.get(session, job_id))
    assert interrupted_job(services, describe_input([archive]), bundle) == job_id
    assert not view_of(services, job_id).paused


def test_another_input_another_model_or_an_ended_job_is_not_continued(
    services: Services, bundle: Bundle, archive: Path, tmp_path: Path
) -> None:
    job_id = begin(services, archive, bundle)
    other_model = replace(bundle, digest="f" * 64)
    assert interrupted_job(services, describe_input([archive]), other_model) is None
    searching = services.settings.model_copy(update={"detect": "on"})
    with_search = replace(services, settings=searching)
    assert interrupted_job(with_search, describe_input([archive]), bundle) is None
    with services.database.writing() as session:
        jobs.cancel(session, jobs.get(session, job_id))
    assert interrupted_job(services, describe_input([archive]), bundle) is None


def test_a_changed_file_is_another_input(archive: Path, tmp_path: Path) -> None:
    first = describe_input([archive]).fingerprint
    assert describe_input([archive]).fingerprint == first
    os.utime(archive, ns=(0, 1))
    assert describe_input([archive]).fingerprint != first
    (tmp_path / "caras").mkdir()
    (tmp_path / "caras" / "a.jpg").write_bytes(b"one")
    folder = describe_input([tmp_path / "caras"]).fingerprint
    (tmp_path / "caras" / "b.jpg").write_bytes(b"two")
    assert describe_input([tmp_path / "caras"]).fingerprint != folder


def finished(services: Services, bundle: Bundle, archive: Path) -> str:
    job_id = begin(services, archive, bundle)
    with services.database.writing() as session:
        job = jobs.get(session, job_id)
        lifecycle.move(job, "in_progress")
        for index, path in enumerate(("a.jpg", "b.jpg")):
            session.add(
                Image(
                    job_id=job_id,
                    index=index,
                    path=path,
                    offset=0,
                    packed_bytes=1,
                    unpacked_bytes=1,
                    method=0,
                )
            )
        session.flush()
        rows = [
            ResultRow(0, 0, "ok", emotion="happiness", confidence=1.0),
            ResultRow(1, 0, "failed", "corrupt_image"),
        ]
        write(session, job, rows, replaces_failed=False)
        lifecycle.move(job, "finalizing")
        lifecycle.move(job, "completed")
    return job_id


def test_a_job_whose_results_were_not_written_is_not_labelled_again(
    services: Services, bundle: Bundle, archive: Path
) -> None:
    job_id = finished(services, bundle, archive)
    given = describe_input([archive])
    assert interrupted_job(services, given, bundle) == job_id
    assert interrupted_job(services, given, replace(bundle, digest="f" * 64)) is None
    note_written(services, job_id)
    assert interrupted_job(services, given, bundle) is None, "the person wants it anew"
    assert view_of(services, job_id).metadata == {"label_input": given.fingerprint}


def test_results_come_from_the_written_file_or_the_database(
    services: Services, bundle: Bundle, archive: Path
) -> None:
    job_id = finished(services, bundle, archive)
    assert b"a.jpg,0,ok,,happiness,1.0000" in b"".join(csv_of(services, job_id, "en"))
    services.storage.write(f"{jobs.results_folder(job_id)}/results.csv", [b"written"])
    assert b"".join(csv_of(services, job_id, "en")) == b"written"
    assert b"a.jpg,0,ok,,feliz,1.0000" in b"".join(csv_of(services, job_id, "es"))
    assert failures_of(services, job_id) == {"corrupt_image": 1}


def test_a_job_that_is_not_kept_leaves_the_archive(
    services: Services, bundle: Bundle, archive: Path
) -> None:
    forget(services, finished(services, bundle, archive))
    assert archive.exists()
    assert list((services.settings.data / "storage" / "uploads").iterdir()) == []
    with services.database.reading() as session:
        assert job_list.newest(session) == []
