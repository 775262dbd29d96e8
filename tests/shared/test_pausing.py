"""All jobs paused, a worker drained: no chunk is begun, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from factory import start
from semblante import chunks, jobs, pausing, workers
from semblante.errors import NotFound
from semblante.holder import this_process
from semblante.message import Message
from semblante.overview import overview
from semblante.services import Services
from semblante.tables import Chunk, Job


def claim(services: Services, job: Job, first: int, worker: str = "") -> chunks.Claim | None:
    with services.database.writing() as session:
        return chunks.claim(session, services.queue, job.id, first, services.settings, worker)


def queue_again(services: Services, job: Job) -> None:
    with services.database.writing() as session:
        chunks.queue_window(session, services.queue, jobs.get(session, job.id), 64)


def states(services: Services, job: Job) -> list[str]:
    with services.database.reading() as session:
        return [session.get_one(Chunk, (job.id, first)).state for first in (0, 2)]


def test_a_pause_of_all_lets_held_chunks_end_and_begins_none(services: Services) -> None:
    job = start(services, 4, 2)
    held = claim(services, job, 0)
    assert held is not None
    with services.database.writing() as session:
        pausing.pause_all(session)
        pausing.pause_all(session)
    assert claim(services, job, 2) is None
    queue_again(services, job)
    assert states(services, job) == ["leased", "pending"]
    with services.database.writing() as session:
        assert chunks.renew(session, held, services.settings)
        assert chunks.complete(session, held)
        pausing.end_pause(session)
        pausing.end_pause(session)
    queue_again(services, job)
    assert claim(services, job, 2) is not None
    assert states(services, job) == ["done", "leased"]


def test_a_drained_worker_takes_nothing_and_others_do(services: Services) -> None:
    job = start(services, 4, 2)
    with services.database.writing() as session:
        workers.announce(session, "one@host", ["classify"], "cpu")
        workers.announce(session, "two@host", ["classify"], "cpu")
        workers.set_draining(session, "one@host", True)
    assert claim(services, job, 0, "one@host") is None
    assert states(services, job) == ["pending", "queued"]
    assert claim(services, job, 0, "two@host") is not None
    with services.database.writing() as session:
        assert workers.beat(session, "one@host", []) is True
        workers.set_draining(session, "one@host", False)
        assert workers.beat(session, "one@host", []) is False
    assert claim(services, job, 2, "one@host") is not None


def test_a_worker_that_starts_anew_is_not_drained(services: Services) -> None:
    with services.database.writing() as session:
        workers.announce(session, "one@host", ["classify"], "cpu")
        workers.set_draining(session, "one@host", True)
    with services.database.writing() as session:
        workers.announce(session, "one@host", ["classify"], "cpu")
    with services.database.writing() as session:
        assert not workers.is_draining(session, "one@host")
        workers.leave(session, "one@host")
        assert workers.beat(session, "one@host", []) is None
        with pytest.raises(NotFound, match="one@host"):
            workers.set_draining(session, "one@host", True)


def test_lost_workers_are_shown_for_a_day(services: Services) -> None:
    with services.database.writing() as session:
        workers.announce(session, "one@host", ["classify"], "cpu")
        (row,) = workers.list_all(session)
        assert not workers.is_lost(row)
        row.seen_at = datetime.now(UTC) - timedelta(hours=1)
        workers.forget_lost(session)
        assert workers.is_lost(workers.list_all(session)[0])
        row.seen_at = datetime.now(UTC) - timedelta(days=2)
        session.flush()
        workers.forget_lost(session)
        assert workers.list_all(session) == []


def test_the_overview_says_who_holds_what(services: Services) -> None:
    job = start(services, 4, 2)
    for first in (0, 2):
        assert claim(services, job, first) is not None
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 2)).lease_holder = "elsewhere/1/2.00"
        workers.announce(session, "one@host", ["classify"], "cpu")
        workers.beat(session, "one@host", [this_process()])
    with services.database.reading() as session:
        found = overview(session)
    ((row, held),) = found.workers
    assert (row.host, [chunk.first for chunk in held]) == ("host", [0])
    assert [(chunk.first, chunk.host) for chunk in found.strays] == [(2, "elsewhere")]
    assert found.jobs == {"in_progress": 1}
    assert found.chunks == {"leased": 2}


def test_the_overview_counts_failures(services: Services) -> None:
    job = start(services, 2, 2)
    with services.database.writing() as session:
        jobs.fail(session, jobs.get(session, job.id), "corrupt_archive", Message("No directory."))
    with services.database.reading() as session:
        found = overview(session)
    assert (found.job_failures, found.image_failures) == ({"corrupt_archive": 1}, {})
    assert found.oldest_seconds == 0
