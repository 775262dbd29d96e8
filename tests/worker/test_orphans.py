"""Bytes that no row speaks of go; all others stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from bundle_factory import write_bundle
from factory import jpeg, submit, zip_bytes
from s3_server import S3Server
from semblante import jobs, uploads
from semblante.bundle_import import import_bundle
from semblante.migrations import upgrade
from semblante.services import Services, open_services
from semblante.storage import open_storage
from semblante_worker.orphans import KNOWN, remove_orphans


@pytest.fixture(params=["local", "s3"])
def late(request: pytest.FixtureRequest, services: Services) -> Services:
    """Return services on either storage for which everything is old."""
    changes = {"upload_expiry_hours": -1.0}
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        changes |= server.setting(f"orphan-tests/{uuid4()}")
    settings = services.settings.model_copy(update=changes)
    storage = open_storage(settings)
    storage.prepare()
    return replace(services, settings=settings, storage=storage)


def all_keys(services: Services) -> set[str]:
    return {found.key for folder in KNOWN for found in services.storage.keys(folder)}


def test_only_orphans_go(late: Services, tmp_path: Path) -> None:
    job = submit(late, zip_bytes({"a.jpg": jpeg()}))
    late.storage.write(f"{jobs.results_folder(job.id)}/results.csv", [b"csv"])
    import_bundle(late.database, late.storage, write_bundle(tmp_path / "bundle"))
    with late.database.writing() as session:
        begun = uploads.begin(session, "begun.zip", 10)
        unpacked = uploads.begin(session, "unpacked.tar.gz", 10)
        unpacked.storage_key += ".tar"
    late.storage.append(begun.storage_key, 0, [b"begun"])
    late.storage.write(unpacked.storage_key, [b"tar"])
    needed = all_keys(late)
    assert len(needed) >= 6
    late.storage.append("uploads/left", 0, [b"unfinished"])
    for key in ("uploads/gone", "results/gone/results.csv", "models/0/card.json", "predict/1"):
        late.storage.write(key, [b"x"])
    assert remove_orphans(late) == 5
    assert all_keys(late) == needed
    assert remove_orphans(late) == 0


def test_what_a_killed_worker_left_half_written_goes(services: Services) -> None:
    settings = services.settings.model_copy(update={"upload_expiry_hours": -1.0})
    late = replace(services, settings=settings)
    job = submit(late, zip_bytes({"a.jpg": jpeg()}))
    needed = all_keys(late)
    late.storage.write(f"{jobs.results_folder(job.id)}/.partial-x", [b"half"])
    assert remove_orphans(late) == 1
    assert all_keys(late) == needed


def test_bytes_of_an_expired_job_are_orphans(late: Services) -> None:
    job = submit(late, zip_bytes({"a.jpg": jpeg()}))
    late.storage.write(f"{jobs.results_folder(job.id)}/results.csv", [b"csv"])
    with late.database.writing() as session:
        jobs.get(session, job.id).state = "expired"
    assert remove_orphans(late) == 2
    assert all_keys(late) == set()


def test_fresh_bytes_stay(services: Services) -> None:
    services.storage.write("uploads/fresh", [b"x"])
    assert remove_orphans(services) == 0
    assert all_keys(services) == {"uploads/fresh"}


def test_another_database_leaves_the_storage_alone(late: Services, tmp_path: Path) -> None:
    submit(late, b"x")
    remove_orphans(late)
    kept = all_keys(late)
    settings = late.settings.model_copy(update={"data": tmp_path / "other"})
    with_wrong_address = replace(open_services(settings), storage=late.storage)
    upgrade(settings.database)
    assert remove_orphans(with_wrong_address) == 0
    assert all_keys(late) == kept
    with_wrong_address.queue.app.close()
    with_wrong_address.database.dispose()
