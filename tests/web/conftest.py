"""Fixtures of the web's tests: the real application over real services, and a finished job."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from celery import Task
from celery.contrib.testing.worker import start_worker
from flask.testing import FlaskClient

from factory import PROBABILITIES, jpeg, start, submit, zip_bytes
from semblante import jobs, lifecycle, results, uploads
from semblante.archive import Limits, detect_kind, list_members
from semblante.message import Message
from semblante.predict_requests import Answer, PredictRequest, PredictRequests
from semblante.queue import Queue, make_app
from semblante.results import ResultRow
from semblante.services import Services
from semblante.storage import StoredSource
from semblante.tables import Chunk, Image, Job
from semblante_web.app import create_app

MEMBERS = {
    "caras/niña.jpg": jpeg(10),
    "caras/=cmd.jpg": jpeg(200, (64, 48)),
    "caras/broken.png": b"no image at all",
}


@pytest.fixture
def app(services: Services) -> APIFlask:
    """Return the application; its errors are answered as in production."""
    return create_app(services.settings, services)


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """Return a client that sends requests as a program does."""
    return app.test_client()


@pytest.fixture
def open_job(services: Services) -> Job:
    """Return a job in progress with three images."""
    return start(services, 3, 2)


@pytest.fixture
def finished_job(services: Services) -> Job:
    """Return a completed job over `MEMBERS`: happiness, fear, and a failed image."""
    data = zip_bytes(MEMBERS)
    job = submit(services, data)
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        upload = uploads.get(session, job.upload_id)
        source = StoredSource(services.storage, upload.storage_key)
        limits = Limits.from_settings(services.settings)
        members = list_members(source, detect_kind(source), "faces.zip", limits)
        for index, member in enumerate(members):
            session.add(Image(job_id=job.id, index=index, **member._asdict()))
        session.add(Chunk(job_id=job.id, first=0, count=3, state="done"))
        session.flush()
        job.total = 3
        lifecycle.move(job, "in_progress")
        rows = [
            _face(0, "happiness", [0.02, 0.02, 0.02, 0.9, 0.02, 0.01, 0.01]),
            _face(1, "fear", [0.1, 0.45, 0.1, 0.1, 0.1, 0.1, 0.05]),
            ResultRow(2, 0, "failed", "unsupported_format", sha256=bytes(32)),
        ]
        results.write(session, job, rows, replaces_failed=False)
        lifecycle.move(job, "finalizing")
        lifecycle.move(job, "completed")
    return job


@pytest.fixture
def worker(services: Services) -> Iterator[None]:
    """Run a worker whose label depends on the stored bytes alone."""
    app = make_app(services.settings)
    requests = PredictRequests(Queue(app))

    # Not shared: other tests' applications in this process have a task of this name, too.
    options: dict[str, Any] = {"name": "semblante.predict", "shared": False, "bind": True}

    @app.task(**options)  # type: ignore[untyped-decorator]
    def predict(task: Task) -> None:
        while taken := requests.take(task.request.id):
            for request in taken:
                data = services.storage.read(request.key, 0, 100_000)
                requests.answer(task.request.id, request, _answer(request, data))

    with start_worker(app, pool="solo", perform_ping_check=False, queues=["predict"]):
        yield
    app.close()


def _answer(request: PredictRequest, data: bytes) -> Answer:
    if not data.startswith(b"\xff\xd8"):
        return {"error": {"code": "unsupported_format", "detail": Message("No image.").to_json()}}
    face = {"emotion": "happiness", "confidence": 0.7, "probabilities": PROBABILITIES}
    box = {"x": 1, "y": 2, "w": 3, "h": 4} if request.detect == "on" else None
    faces = [face | {"box": box, "face_confidence": 0.9 if box else None}]
    if data.endswith(b"no face in here") and request.detect != "off":
        faces = []
    size = {"width": len(data), "height": 2}
    detector = "yunet" if box else None
    model = f"resnet18-raf7@{request.digest[:12]}"
    return {"ok": {"model": model, "detector": detector, **size, "faces": faces}}


def _face(index: int, emotion: str, probabilities: list[float]) -> ResultRow:
    return ResultRow(
        index,
        0,
        "ok",
        emotion=emotion,
        confidence=max(probabilities),
        probabilities=struct.pack("<7f", *probabilities),
        width=32,
        height=32,
        sha256=bytes(range(32)),
    )
