"""What Prometheus sees of the whole stack."""

from __future__ import annotations

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from semblante.services import Services
from semblante.tables import Job
from semblante_web.app import create_app


def samples(client: FlaskClient) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_queues_chunks_and_jobs(client: FlaskClient, open_job: Job, finished_job: Job) -> None:
    found = samples(client)
    assert found["semblante_jobs", open_job.state] == found["semblante_jobs", "completed"] == 1
    assert found["semblante_jobs", "failed"] == 0
    assert found["semblante_chunks", "queued"] == found["semblante_queue_messages", "classify"] == 2
    assert found["semblante_chunks", "done"] == 0  # of the finished job: no longer of interest
    assert 0 < found["semblante_queue_oldest_seconds",] < 60


def test_an_idle_stack_waits_for_nothing(client: FlaskClient) -> None:
    assert samples(client)["semblante_queue_oldest_seconds",] == 0


def test_a_broker_that_is_away_has_no_samples(services: Services) -> None:
    away = services.settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    found = samples(create_app(away).test_client())
    assert not [name for name, *_labels in found if name == "semblante_queue_messages"]
    assert found["semblante_jobs", "completed"] == 0
