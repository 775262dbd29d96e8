"""`/metrics`: how the whole stack is doing, asked of database and broker at each scrape.

Every web process answers the same, so several of them need not share counters. Workers count what
they do themselves; see docs/operations.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from apiflask import APIBlueprint
from flask import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from semblante import overview
from semblante.errors import Unavailable
from semblante.lifecycle import STATES
from semblante.overview import CHUNK_STATES
from semblante.queue import QueueName
from semblante.services import Services
from semblante_web.current import services

ANSWERS: dict[int | str, Any] = {
    200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}
}
Name = TypeVar("Name", bound=str)
blueprint = APIBlueprint("metrics", __name__, tag="Health")


@blueprint.get("/metrics")
@blueprint.doc(operation_id="showMetrics", responses=ANSWERS)
def show_metrics() -> Response:
    """Tell queues, chunks and jobs for Prometheus."""
    registry = CollectorRegistry()
    registry.register(StackCollector(services()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class StackCollector(Collector):
    """Gauges of queues, of the chunks of unfinished jobs, and of jobs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask database and broker."""
        yield self._queues()
        yield from self._database()

    def _queues(self) -> GaugeMetricFamily:
        """Say how many messages wait; a broker that is away gives no sample, which can alert."""
        waiting = GaugeMetricFamily(
            "semblante_queue_messages", "Messages that wait, by queue.", labels=["queue"]
        )
        for queue in get_args(QueueName):
            try:
                waiting.add_metric([queue], self._services.queue.depth(queue))
            except Unavailable:
                break
        return waiting

    def _database(self) -> Iterator[GaugeMetricFamily]:
        with self._services.database.reading() as session:
            chunks = overview.chunks_by_state(session)
            jobs = overview.jobs_by_state(session)
            age = overview.oldest_seconds(session)
        yield GaugeMetricFamily(
            "semblante_queue_oldest_seconds", "Age of the chunk that waits longest.", value=age
        )
        yield _by_state("semblante_chunks", "Chunks of unfinished jobs.", CHUNK_STATES, chunks)
        yield _by_state("semblante_jobs", "Jobs.", STATES, jobs)


def _by_state(
    name: str, text: str, states: Sequence[Name], found: Mapping[Name, int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state in states:
        family.add_metric([state], found.get(state, 0))
    return family
