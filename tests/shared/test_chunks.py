"""Chunks: at-least-once messages, exactly-once work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import reload, start
from semblante import chunks, jobs
from semblante.chunks import Claim
from semblante.holder import cannot_work, this_process
from semblante.services import Services
from semblante.tables import Chunk, Job


def claim(services: Services, job: Job, first: int) -> Claim | None:
    with services.database.writing() as session:
        return chunks.claim(session, services.queue, job.id, first, services.settings)


def the_chunk(services: Services, job: Job, first: int) -> Chunk:
    with services.database.reading() as session:
        return session.get_one(Chunk, (job.id, first))


@given(st.lists(st.integers(0, 100), max_size=200), st.integers(1, 70), st.integers(1, 5000))
def test_plan_covers_every_image_once_within_the_limits(
    sizes: list[int], most_images: int, most_bytes: int
) -> None:
    runs = list(chunks.plan(sizes, most_images, most_bytes))
    covered = [index for first, count in runs for index in range(first, first + count)]
    assert covered == list(range(len(sizes)))
    for first, count in runs:
        assert 1 <= count <= most_images
        assert count == 1 or sum(sizes[first : first + count]) <= most_bytes


@pytest.mark.parametrize(
    ("images", "counts"),
    [
        (32, [32]),
        (100, [32, 32, 32, 4]),
        (512, [128] * 4),
        (600, [128] * 4 + [32, 32, 24]),
        (2000, [512, 512] + [128] * 4 + [116] * 4),
    ],
)
def test_the_end_of_a_job_is_cut_finer_so_that_workers_share_it(
    images: int, counts: list[int]
) -> None:
    assert [count for _, count in chunks.plan([1] * images, 512, 10_000)] == counts


def test_a_chunk_is_held_by_one_worker_and_done_once(services: Services) -> None:
    job = start(services, images=4, per_chunk=2)
    held = claim(services, job, 0)
    assert held == Claim(job.id, 0, 2, False, held.token if held else "", False)
    assert claim(services, job, 0) is None
    with services.database.writing() as session:
        assert chunks.complete(session, held)
    with services.database.writing() as session:
        assert not chunks.complete(session, held)
    assert claim(services, job, 0) is None
    assert the_chunk(services, job, 0).state == "done"


def test_a_lease_that_ran_out_goes_to_another_and_fences_the_first_off(services: Services) -> None:
    job = start(services, images=2, per_chunk=2)
    slow = claim(services, job, 0)
    assert slow is not None
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 0)).lease_until = datetime.now(UTC) - timedelta(seconds=1)
    fast = claim(services, job, 0)
    assert fast is not None
    with services.database.writing() as session:
        assert not chunks.renew(session, slow, services.settings)
        assert not chunks.complete(session, slow)
        assert chunks.complete(session, fast)


def test_a_holder_that_a_signal_stopped_loses_its_lease_until_it_goes_on() -> None:
    code = "from semblante.holder import this_process; print(this_process(), flush=True); input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        holder = one.stdout.readline().strip()
        assert not cannot_work(holder)
        one.send_signal(signal.SIGSTOP)
        os.waitpid(one.pid, os.WUNTRACED)
        assert cannot_work(holder)
        one.send_signal(signal.SIGCONT)
        os.waitpid(one.pid, os.WCONTINUED)
        assert not cannot_work(holder)
        one.kill()


def test_a_dead_holder_on_this_host_loses_its_lease_at_once(services: Services) -> None:
    job = start(services, images=2, per_chunk=2)
    assert claim(services, job, 0) is not None
    code = "from semblante.holder import this_process; print(this_process())"
    gone = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert cannot_work(gone)
    assert not cannot_work(this_process())
    assert not cannot_work("another-host/1/0.00")
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 0)).lease_holder = gone
    assert claim(services, job, 0) is not None


def test_a_chunk_that_ends_its_workers_is_halved_down_to_one_image(services: Services) -> None:
    job = start(services, images=8, per_chunk=8)
    killer = 5
    poisoned: list[int] = []
    finished: set[int] = set()
    for _attempt in range(50):
        with services.database.reading() as session:
            query = session.query(Chunk.first).where(Chunk.state != "done").order_by(Chunk.first)
            waiting = [row.first for row in query]
        if not waiting:
            break
        held = claim(services, job, waiting[0])
        assert held is not None
        images = range(held.first, held.first + held.count)
        if killer in images and not held.poisoned:
            with services.database.writing() as session:  # the worker dies
                chunk = session.get_one(Chunk, (job.id, held.first))
                chunk.lease_until = datetime.now(UTC) - timedelta(seconds=1)
            continue
        if held.poisoned:
            poisoned.extend(images)
        finished.update(images)
        with services.database.writing() as session:
            assert chunks.complete(session, held)
    assert poisoned == [killer]
    assert finished == set(range(8))


def test_the_window_bounds_what_is_queued(services: Services) -> None:
    small = services.settings.model_copy(update={"window_chunks": 3})
    services = Services(small, services.database, services.storage, services.queue)
    job = start(services, images=10, per_chunk=1)
    with services.database.reading() as session:
        assert chunks.count(session, job.id, "queued") == 3
        assert chunks.count(session, job.id, "pending") == 7
    assert services.queue.depth("classify") == 3


def test_nothing_is_claimed_of_a_paused_or_cancelled_job(services: Services) -> None:
    job = start(services, images=2, per_chunk=1)
    with services.database.writing() as session:
        jobs.pause(session, jobs.get(session, job.id))
    assert claim(services, job, 0) is None
    assert the_chunk(services, job, 0).state == "pending"
    with services.database.writing() as session:
        jobs.resume(session, services.queue, jobs.get(session, job.id), services.settings)
    assert the_chunk(services, job, 0).state == "queued"
    with services.database.writing() as session:
        jobs.cancel(session, jobs.get(session, job.id))
    assert claim(services, job, 0) is None
    assert reload(services, job).state == "cancelled"


def test_a_released_chunk_does_not_count_as_an_attempt(services: Services) -> None:
    job = start(services, images=1, per_chunk=1)
    held = claim(services, job, 0)
    assert held is not None
    with services.database.writing() as session:
        chunks.release(session, held)
    chunk = the_chunk(services, job, 0)
    assert (chunk.state, chunk.attempts, chunk.lease_token) == ("pending", 0, None)


@pytest.mark.parametrize(
    ("index", "pieces"),
    [
        (4, [(4, 1, 3), (5, 3, 1)]),
        (6, [(4, 2, 1), (6, 1, 3), (7, 1, 1)]),
        (7, [(4, 3, 1), (7, 1, 3)]),
    ],
)
def test_an_image_is_set_apart_and_the_others_lose_no_attempt(
    services: Services, index: int, pieces: list[tuple[int, int, int]]
) -> None:
    job = start(services, images=8, per_chunk=4)
    for _attempt in range(2):
        held = claim(services, job, 4)
        assert held is not None
        with services.database.writing() as session:
            if _attempt == 0:
                chunks.release(session, held, counts=True)
            else:
                chunks.isolate(session, held, index, services.settings)
                chunks.isolate(session, held, index, services.settings)  # the lease is gone
    with services.database.reading() as session:
        query = session.query(Chunk).where(Chunk.job_id == job.id, Chunk.first >= 4)
        found = [(c.first, c.count, c.attempts) for c in query.order_by(Chunk.first)]
        assert all(c.state == "pending" and c.lease_token is None for c in query)
    assert found == pieces
    poisoned = claim(services, job, index)
    assert poisoned is not None
    assert poisoned.poisoned
    other = next(first for first, _, attempts in found if attempts == 1)
    healthy = claim(services, job, other)
    assert healthy is not None
    assert not healthy.poisoned
