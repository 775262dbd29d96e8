"""Bins of confidence, and speed over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from factory import start
from semblante.histogram import BINS, bin_of, throughput
from semblante.services import Services
from semblante.tables import Chunk


@pytest.mark.parametrize(
    ("confidence", "number"), [(0.0, 0), (0.049, 0), (0.05, 1), (0.5, 10), (1.0, BINS - 1)]
)
def test_bins(confidence: float, number: int) -> None:
    assert bin_of(confidence) == number


def test_throughput_counts_images_and_spans(services: Services) -> None:
    started = datetime(2026, 1, 1, tzinfo=UTC)
    job = start(services, 40, 10)
    with services.database.reading() as session:
        assert throughput(session, job.id, started) == []
    with services.database.writing() as session:
        for first, seconds in ((0, -5), (10, 2), (20, 3), (30, 6)):  # the first before a retry
            chunk = session.get_one(Chunk, (job.id, first))
            chunk.done_at = started + timedelta(seconds=seconds)
    with services.database.reading() as session:
        rates = throughput(session, job.id, started)
    assert [(rate.seconds, rate.images_per_second) for rate in rates] == [(1, 0), (3, 10), (5, 5)]
