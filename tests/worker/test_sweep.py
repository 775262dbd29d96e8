"""Sweep: whatever was lost goes on by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis

from bundle_factory import write_bundle
from factory import jpeg, reload, start, submit, zip_bytes
from semblante import chunks, jobs, registry, uploads
from semblante.bundle_import import import_bundle
from semblante.bundle_store import is_stored
from semblante.holder import this_process
from semblante.services import Services
from semblante.stack.broker import Broker
from semblante.tables import Chunk, Job, Upload
from semblante_worker.index import index_job
from semblante_worker.process import start_process
from semblante_worker.sweep import sweep


def later(services: Services) -> Services:
    """Return services for which every message is old enough to be missed."""
    settings = services.settings.model_copy(update={"sweep_seconds": 0.0})
    return replace(services, settings=settings)


def forget_messages(broker: Broker) -> None:
    with Redis(unix_socket_path=str(broker.socket)) as client:
        client.flushall()


def test_messages_that_the_broker_forgot_are_sent_again(services: Services, broker: Broker) -> None:
    start(services, images=3, per_chunk=1)
    waiting = submit(services, zip_bytes({"a.jpg": jpeg()}))
    forget_messages(broker)
    sweep(later(services))
    assert services.queue.depth("classify") == 3
    assert services.queue.depth("control") == 1
    assert reload(services, waiting).state == "validating"


def test_messages_that_wait_are_not_sent_twice(services: Services) -> None:
    start(services, images=3, per_chunk=1)
    submit(services, zip_bytes({"a.jpg": jpeg()}))
    for _twice in range(2):
        sweep(later(services))
    assert services.queue.depth("classify") == 3
    assert services.queue.depth("control") == 2  # `index` of both jobs


def test_a_lease_that_ran_out_is_queued_again(services: Services, broker: Broker) -> None:
    job = start(services, images=1, per_chunk=1)
    with services.database.writing() as session:
        assert chunks.claim(session, services.queue, job.id, 0, services.settings)
    forget_messages(broker)
    sweep(services)
    assert services.queue.depth("classify") == 0
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 0)).lease_until = datetime.now(UTC) - timedelta(seconds=1)
    sweep(services)
    assert services.queue.depth("classify") == 1
    with services.database.reading() as session:
        chunk = session.get_one(Chunk, (job.id, 0))
        assert (chunk.state, chunk.lease_token, chunk.attempts) == ("queued", None, 1)


def test_a_process_sends_the_chunks_of_the_dead_one_that_it_replaces(
    services: Services, broker: Broker
) -> None:
    job = start(services, images=2, per_chunk=1)
    with services.database.writing() as session:
        for first in (0, 1):
            assert chunks.claim(session, services.queue, job.id, first, services.settings)
        session.get_one(Chunk, (job.id, 1)).lease_holder = holder_that_ended()
    forget_messages(broker)
    start_process(services.settings, preload=False)
    assert services.queue.depth("classify") == 0
    start_process(services.settings, preload=False, replaces=True)
    assert services.queue.depth("classify") == 1
    with services.database.reading() as session:
        states = [session.get_one(Chunk, (job.id, first)).state for first in (0, 1)]
    assert states == ["leased", "queued"]


def test_a_process_replaces_another_although_the_database_is_away(
    services: Services, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    settings = services.settings.model_copy(update={"database_url": url})
    assert start_process(settings, preload=False, replaces=True)


def holder_that_ended() -> str:
    """Return the identity of a process that was on this host."""
    host, pid, _ = this_process().rsplit("/", 2)
    return f"{host}/{pid}/1.00"


def test_a_job_whose_last_chunk_is_done_is_finalized(services: Services) -> None:
    job = start(services, images=1, per_chunk=1)
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 0)).state = "done"
    sweep(services)
    assert reload(services, job).state == "finalizing"


def test_a_cancelled_job_whose_worker_died_is_settled(services: Services, broker: Broker) -> None:
    job = start(services, images=1, per_chunk=1)
    with services.database.writing() as session:
        assert chunks.claim(session, services.queue, job.id, 0, services.settings)
        jobs.cancel(session, jobs.get(session, job.id))
    assert reload(services, job).state == "cancelling"
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 0)).lease_until = datetime.now(UTC) - timedelta(seconds=1)
    sweep(services)
    assert reload(services, job).state == "cancelled"


def test_a_step_that_keeps_crashing_fails_its_job(services: Services) -> None:
    job = submit(services, zip_bytes({"a.jpg": jpeg()}))
    with services.database.writing() as session:
        session.get_one(Job, job.id).attempts = services.settings.max_attempts
    index_job(services, job.id)
    job = reload(services, job)
    assert (job.state, job.error_code) == ("failed", "step_crash")


def test_removed_models_that_no_job_needs_are_deleted(services: Services, tmp_path: Path) -> None:
    model = import_bundle(services.database, services.storage, write_bundle(tmp_path / "bundle"))
    with services.database.writing() as session:
        registry.remove(session, "mine")
    sweep(services)
    assert not is_stored(services.storage, model)


def test_uploads_that_nobody_submits_are_removed(services: Services) -> None:
    used = submit(services, b"x")
    old = datetime.now(UTC) - timedelta(hours=services.settings.upload_expiry_hours + 1)
    with services.database.writing() as session:
        abandoned = uploads.begin(session, "old.zip", 1)
        abandoned.created_at = old
        session.get_one(Upload, used.upload_id).created_at = old
    services.storage.write(abandoned.storage_key, [b"x"])
    sweep(services)
    with services.database.reading() as session:
        assert [upload.id for upload in session.query(Upload)] == [used.upload_id]
