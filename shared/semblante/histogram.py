"""The distribution of a job's confidences, and how fast its chunks were done: for charts."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from semblante.tables import Chunk, ConfidenceCount

BINS = 20
"""Equal bins of confidence; bin b holds b/20 <= confidence < (b + 1)/20, the last one also 1."""
TIME_BINS = 40


class Rate(NamedTuple):
    """Images per second over a span; `seconds` is its middle, from the start of labelling."""

    seconds: float
    images_per_second: float


def bin_of(confidence: float) -> int:
    """Return the bin of a confidence, 0 to 1."""
    return min(int(confidence * BINS), BINS - 1)


def confidence_counts(session: Session, job_id: str) -> list[int]:
    """Return the faces in each bin; empty for a job that was made before they were counted."""
    query = select(ConfidenceCount.faces).where(ConfidenceCount.job_id == job_id)
    return list(session.scalars(query.order_by(ConfidenceCount.bin)))


def throughput(session: Session, job_id: str, started: datetime) -> list[Rate]:
    """Return the speed of a job over equal spans of time from `started` to its last chunk.

    A retry starts anew: what was done before it is not counted.
    """
    query = select(Chunk.done_at, Chunk.count).where(
        Chunk.job_id == job_id, Chunk.done_at >= started
    )
    done = [((at - started).total_seconds(), count) for at, count in session.execute(query) if at]
    length = max((seconds for seconds, _ in done), default=0.0)
    if length <= 0:
        return []
    spans = min(TIME_BINS, len(done))
    images = [0] * spans
    for seconds, count in done:
        images[min(max(int(seconds / length * spans), 0), spans - 1)] += count
    width = length / spans
    return [Rate((number + 0.5) * width, count / width) for number, count in enumerate(images)]
