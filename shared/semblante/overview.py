"""What the whole stack does now: for the operator's page and command, and for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from semblante import pausing, results, workers
from semblante.lifecycle import OPEN_STATES, State
from semblante.tables import Chunk, Job, RunningWorker

CHUNK_STATES = ("pending", "queued", "leased", "done")
LATEST_FAILURES = 50
"""Failures are counted over so many of the newest jobs that have some."""
COUNTED_FAILURES = 200_000
"""No further job is counted beyond so many failed images: a page must not wait for them."""


@dataclass(frozen=True)
class HeldChunk:
    """A chunk that a worker holds."""

    job_id: str
    filename: str
    first: int
    count: int
    attempts: int
    holder: str

    @property
    def host(self) -> str:
        """Where its holder runs."""
        return self.holder.rsplit("/", 2)[0]


@dataclass(frozen=True)
class Overview:
    """Jobs and chunks by state, workers with what they hold, failures by code."""

    all_paused: bool
    jobs: Mapping[State, int]
    chunks: Mapping[str, int]
    """Of unfinished jobs."""
    oldest_seconds: float
    """For how long a queued chunk has waited at most."""
    workers: Sequence[tuple[RunningWorker, Sequence[HeldChunk]]]
    strays: Sequence[HeldChunk]
    """Chunks of holders that no worker names: it died, or has not told yet."""
    image_failures: Mapping[str, int]
    job_failures: Mapping[str, int]


def overview(session: Session) -> Overview:
    """Return what the operator wants to know."""
    held = _held(session)
    rows = workers.list_all(session)
    of = {row.name: [chunk for chunk in held if chunk.holder in set(row.holders)] for row in rows}
    known = {holder for row in rows for holder in row.holders}
    return Overview(
        all_paused=pausing.is_all_paused(session),
        jobs=jobs_by_state(session),
        chunks=chunks_by_state(session),
        oldest_seconds=oldest_seconds(session),
        workers=[(row, of[row.name]) for row in rows],
        strays=[chunk for chunk in held if chunk.holder not in known],
        image_failures=_image_failures(session),
        job_failures=_job_failures(session),
    )


def jobs_by_state(session: Session) -> dict[State, int]:
    """Return how many jobs are in each state that one is in."""
    query = select(Job.state, func.count()).group_by(Job.state)
    return dict(iter(session.execute(query)))


def chunks_by_state(session: Session) -> dict[str, int]:
    """Return how many chunks of unfinished jobs are in each state that one is in."""
    query = select(Chunk.state, func.count()).where(_of_open_job()).group_by(Chunk.state)
    return dict(iter(session.execute(query)))


def oldest_seconds(session: Session) -> float:
    """Return for how long the chunk has waited that was queued first; 0 where none is queued."""
    query = select(func.min(Chunk.queued_at)).where(_of_open_job(), Chunk.state == "queued")
    oldest = session.scalar(query)
    return (datetime.now(UTC) - oldest).total_seconds() if oldest is not None else 0.0


def _of_open_job() -> ColumnElement[bool]:
    return Chunk.job_id.in_(select(Job.id).where(Job.state.in_(OPEN_STATES)))


def _held(session: Session) -> list[HeldChunk]:
    query = (
        select(Chunk, Job.filename)
        .join(Job, Job.id == Chunk.job_id)
        .where(Chunk.state == "leased")
        .order_by(Chunk.job_id, Chunk.first)
    )
    return [
        HeldChunk(
            chunk.job_id,
            filename,
            chunk.first,
            chunk.count,
            chunk.attempts,
            chunk.lease_holder or "",
        )
        for chunk, filename in session.execute(query)
    ]


def _image_failures(session: Session) -> dict[str, int]:
    """Count failed images by code, the most frequent first."""
    failing = select(Job.id, Job.failed).where(Job.failed > 0).order_by(Job.id.desc())
    counts: Counter[str] = Counter()
    seen = 0
    for job_id, failed in session.execute(failing.limit(LATEST_FAILURES)):
        seen += failed
        if seen > COUNTED_FAILURES and counts:
            break
        counts.update(results.error_counts(session, job_id))
    return dict(counts.most_common())


def _job_failures(session: Session) -> dict[str, int]:
    query = (
        select(Job.error_code, func.count())
        .where(Job.state == "failed")
        .group_by(Job.error_code)
        .order_by(func.count().desc())
    )
    return {code: count for code, count in session.execute(query) if code}
