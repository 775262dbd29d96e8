"""Chunks: runs of neighbouring images; the unit of work, lease and retry.

A chunk is `pending` until the job's window lets it be `queued`; a worker's claim makes it `leased`,
and one transaction, the same that writes its rows, makes it `done`. Done is never undone but by a
retry. Messages may be lost or come twice: a claim fails then, and nothing happens.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from semblante import leases, pausing, workers
from semblante.queue import PRIORITIES, Queue
from semblante.settings import Settings
from semblante.tables import Chunk, Job

LATER_FROM = (1_000, 10_000, 100_000)
"""First images of chunks from which on they have the next of the broker's priorities."""

LAST_RUNS, PARTS, LEAST_PART = 2, 4, 32
"""How many runs at a job's end are cut, into how many parts, of at least how many images."""


@dataclass(frozen=True)
class Claim:
    """The right to work on the images `first` .. `first + count - 1`, until the lease ends."""

    job_id: str
    first: int
    count: int
    retry: bool
    token: str
    poisoned: bool
    """The one image left has ended its workers too often: it must not be decoded again."""


def plan(sizes: Iterable[int], most_images: int, most_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut images of the given packed sizes into runs.

    The last runs are cut into parts, so that workers end a job together, and share a small one.

    Yields:
        (first, count): at most `most_images` images and, unless one image alone is larger,
        at most `most_bytes` bytes.
    """
    last: deque[tuple[int, int]] = deque()
    for run in _runs(sizes, most_images, most_bytes):
        last.append(run)
        if len(last) > LAST_RUNS:
            yield last.popleft()
    for first, count in last:
        part = max(LEAST_PART, math.ceil(count / PARTS))
        for at in range(0, count, part):
            yield first + at, min(part, count - at)


def _runs(sizes: Iterable[int], most_images: int, most_bytes: int) -> Iterator[tuple[int, int]]:
    first = count = total = 0
    for size in sizes:
        if count and (count == most_images or total + size > most_bytes):
            yield first, count
            first, count, total = first + count, 0, 0
        count += 1
        total += size
    if count:
        yield first, count


def claim(
    session: Session, queue: Queue, job_id: str, first: int, settings: Settings, worker: str = ""
) -> Claim | None:
    """Lease a chunk to this process; None when there is nothing to do (any more, or now).

    Nothing is leased while a person has paused the job or all of them, or drains `worker`, the one
    that this process belongs to.
    """
    chunk = session.get(Chunk, (job_id, first), with_for_update=True)
    job = session.get(Job, job_id)
    if chunk is None or job is None or chunk.state == "done" or not leases.is_free(session, chunk):
        return None
    if not _is_wanted(session, job) or workers.is_draining(session, worker):
        _put_back(chunk)
        return None
    exhausted = chunk.attempts >= settings.max_attempts
    poisoned = exhausted and chunk.count == 1
    if exhausted and not poisoned:
        send(session, queue, _split(session, chunk, settings.max_attempts))
    chunk.state = "leased"
    token = leases.take(session, chunk, settings.lease_seconds)
    return Claim(job_id, first, chunk.count, chunk.retry, token, poisoned)


def renew(session: Session, claim: Claim, settings: Settings) -> bool:
    """Prolong the lease; False when it was lost, or the job is to stop."""
    chunk = _held(session, claim)
    job = session.get(Job, claim.job_id)
    if chunk is None or job is None or job.state != "in_progress":
        return False
    leases.renew(session, chunk, settings.lease_seconds)
    return True


def complete(session: Session, claim: Claim) -> bool:
    """Mark the chunk done; False when the lease was lost, and then nothing may be written."""
    chunk = _held(session, claim)
    if chunk is None:
        return False
    leases.give_back(chunk)
    chunk.state = "done"
    chunk.retry = False
    chunk.done_at = datetime.now(UTC)
    return True


def release(session: Session, claim: Claim, *, counts: bool = False) -> None:
    """Give an unfinished chunk back; `counts` says whether this was an attempt at it."""
    if chunk := _held(session, claim):
        chunk.attempts -= not counts
        _put_back(chunk)


def isolate(session: Session, claim: Claim, index: int, settings: Settings) -> None:
    """Give a chunk back in pieces: its image `index` alone, poisoned, and those around it."""
    chunk = _held(session, claim)
    if chunk is None:
        return
    end = chunk.first + chunk.count
    attempts = chunk.attempts - 1  # the others did nothing wrong
    _put_back(chunk)
    if index + 1 < end:
        session.add(_cut(chunk, index + 1, end - index - 1, attempts))
    if index > chunk.first:
        session.add(_cut(chunk, index, 1, settings.max_attempts))
        chunk.count, chunk.attempts = index - chunk.first, attempts
    else:
        chunk.count, chunk.attempts = 1, settings.max_attempts


def queue_window(session: Session, queue: Queue, job: Job, window: int) -> None:
    """Queue pending chunks, so that at most `window` of the job are queued or leased."""
    busy = session.scalar(
        select(func.count())
        .select_from(Chunk)
        .where(Chunk.job_id == job.id, Chunk.state.in_(("queued", "leased")))
    )
    room = window - (busy or 0)
    if room <= 0 or not _is_wanted(session, job):
        return
    pending = select(Chunk).where(Chunk.job_id == job.id, Chunk.state == "pending")
    for chunk in session.scalars(pending.order_by(Chunk.first).limit(room)):
        send(session, queue, chunk)


def send(session: Session, queue: Queue, chunk: Chunk) -> None:
    """Queue one chunk, now or again; its message leaves with the commit."""
    leases.give_back(chunk)
    chunk.state = "queued"
    chunk.queued_at = datetime.now(UTC)
    queue.send_on_commit(
        session,
        "semblante.classify",
        _priority(chunk.first),
        job_id=chunk.job_id,
        first=chunk.first,
    )


def _priority(first: int) -> int:
    """Return how early a chunk comes: a small job does not wait for the window of a large one."""
    return PRIORITIES[bisect(LATER_FROM, first)]


def count(session: Session, job_id: str, *states: str) -> int:
    """Return how many chunks of the job are in one of `states`."""
    query = select(func.count()).select_from(Chunk)
    return session.scalar(query.where(Chunk.job_id == job_id, Chunk.state.in_(states))) or 0


def withdraw(session: Session, job_id: str) -> None:
    """Take queued chunks back (pause, cancel): their messages will find nothing to do."""
    session.execute(
        update(Chunk)
        .where(Chunk.job_id == job_id, Chunk.state == "queued")
        .values(state="pending", queued_at=None)
    )


def leave_as_they_are(session: Session, job_id: str) -> None:
    """End a retry of chunks that are not done: the rows that they had stay."""
    session.execute(
        update(Chunk)
        .where(Chunk.job_id == job_id, Chunk.state != "done")
        .values(state="done", retry=False, queued_at=None)
    )


def _is_wanted(session: Session, job: Job) -> bool:
    """Whether chunks of the job may be worked on now."""
    return job.state == "in_progress" and not job.paused and not pausing.is_all_paused(session)


def _held(session: Session, claim: Claim) -> Chunk | None:
    chunk = session.get(Chunk, (claim.job_id, claim.first), with_for_update=True)
    return chunk if chunk is not None and chunk.lease_token == claim.token else None


def _put_back(chunk: Chunk) -> None:
    leases.give_back(chunk)
    chunk.state = "pending"
    chunk.queued_at = None


def _split(session: Session, chunk: Chunk, max_attempts: int) -> Chunk:
    """Halve a chunk that ended its workers, and return the second half.

    Each half has one attempt left before it is halved in turn, down to the image that does it.
    """
    half = chunk.count // 2
    rest = _cut(chunk, chunk.first + half, chunk.count - half, max_attempts - 1)
    session.add(rest)
    chunk.count = half
    chunk.attempts = max_attempts - 1
    return rest


def _cut(chunk: Chunk, first: int, count: int, attempts: int) -> Chunk:
    """Return a new chunk of some images of `chunk`, whose own count the caller lowers."""
    return Chunk(
        job_id=chunk.job_id, first=first, count=count, retry=chunk.retry, attempts=attempts
    )
