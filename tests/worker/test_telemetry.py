"""A job is one trace, from the request through the queue to the steps of its chunks."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

import pytest
from celery.contrib.testing.worker import start_worker
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from factory import jpeg, zip_bytes
from semblante import telemetry
from semblante.client import Client
from semblante.errors import Unavailable
from semblante.services import Services
from semblante.settings import Settings
from semblante_web.app import create_app
from semblante_worker.predict import Predictor
from semblante_worker.process import WorkerProcess
from semblante_worker.tasks import register_tasks

IMAGES = 5


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    telemetry.start_telemetry("tests", SimpleSpanProcessor(exporter))
    yield exporter
    telemetry.stop_telemetry()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"chunk_images": 2, "window_chunks": 1})


def by_name(spans: Sequence[ReadableSpan]) -> Callable[[str], list[ReadableSpan]]:
    return lambda name: [span for span in spans if span.name == name]


def parents(spans: Sequence[ReadableSpan]) -> set[int | None]:
    return {span.parent.span_id if span.parent else None for span in spans}


def own_id(span: ReadableSpan) -> int:
    return int(span.context.span_id)


def test_a_job_is_one_trace(
    exporter: InMemorySpanExporter, services: Services, predictor: Predictor, address: str
) -> None:
    """A real worker takes the messages from the real broker; only its process is this one."""
    app = services.queue.app
    register_tasks(app, lambda: WorkerProcess(services, predictor, ""))
    members = {f"{number}.jpg": jpeg(10 * number) for number in range(IMAGES)}
    archive = io.BytesIO(zip_bytes(members))
    queues = {"queues": ["control", "classify"]}
    with (
        Client(address) as client,
        start_worker(app, pool="solo", perform_ping_check=False, **queues),
    ):
        answer = client._api.send("POST", "jobs", files={"file": ("faces.zip", archive)}).json()
        job = client.wait(answer["id"], timeout=60)
    assert job.counts.ok == IMAGES

    spans = exporter.get_finished_spans()
    named = by_name(spans)
    [request] = [span for span in named("POST /api/v1/jobs") if span.parent is None]
    of_job = [span for span in spans if span.context.trace_id == request.context.trace_id]
    named = by_name(of_job)
    chunks = named("semblante.classify")
    tasks = [*named("semblante.index"), *chunks, *named("semblante.finish")]
    assert len(chunks) == 3
    assert len(tasks) == 5
    assert parents(tasks) == {own_id(request)}
    assert {dict(span.attributes or {})["semblante.job_id"] for span in tasks} == {job.id}
    assert {dict(span.attributes or {})["semblante.first"] for span in chunks} == {0, 2, 4}
    assert parents(named("label")) == parents(named("write")) == {own_id(span) for span in chunks}
    assert parents(named("predict")) <= {own_id(span) for span in named("label")}
    assert not [span for span in spans if "healthz" in span.name]


def test_a_message_without_a_trace_begins_one(exporter: InMemorySpanExporter) -> None:
    with telemetry.message_span("semblante.index", None, job_id="1"):
        headers = telemetry.carried()
    [span] = exporter.get_finished_spans()
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" in headers["traceparent"]


def test_a_failed_block_is_a_failed_span(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="broken"), telemetry.span("label"):
        raise ValueError("broken")
    [span] = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR


def test_a_process_without_telemetry_imports_none_of_it() -> None:
    """Parts of the SDK that redis-py imports for itself, where they are installed, are not ours."""
    code = (
        "import sys, semblante_web.app, semblante_worker.tasks\n"
        "from semblante import telemetry\n"
        "with telemetry.message_span('a', {'traceparent': '00-1-1-01'}), telemetry.span('b'):\n"
        "    assert telemetry.carried() == {}\n"
        "ours = ('sdk.trace', 'exporter', 'instrumentation')\n"
        "sys.exit(any(f'opentelemetry.{name}' in sys.modules for name in ours))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "PACKAGES", ("not_installed.at.all",))
    telemetry.check_telemetry(Settings())
    with pytest.raises(Unavailable, match="extra `telemetry`"):
        telemetry.check_telemetry(Settings(telemetry=True))


def test_requests_are_spans_only_where_they_are_made(settings: Settings) -> None:
    plain = create_app(settings).wsgi_app
    assert "opentelemetry" not in type(plain).__module__
