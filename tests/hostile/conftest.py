"""Fixtures of the hostile corpus: the whole way of an upload, without processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from factory import reload, submit
from semblante import results
from semblante.jobs import ModelOfJob
from semblante.services import Services
from semblante.tables import Chunk
from semblante_worker.classify import classify_chunk
from semblante_worker.index import index_job
from semblante_worker.predict import Predictor
from worker.conftest import model, predictor

__all__ = ["model", "predictor"]

Label = Callable[[bytes], str | dict[str, str]]


@pytest.fixture
def label(services: Services, predictor: Predictor, model: ModelOfJob) -> Label:
    """Return a function that labels an upload: the failed job's code, or each image's outcome."""

    def label(data: bytes) -> str | dict[str, str]:
        job = submit(services, data, "upload", model)
        index_job(services, job.id)
        while first := _next_chunk(services, job.id):
            classify_chunk(services, predictor, job.id, first[0])
        job = reload(services, job)
        if job.state == "failed":
            return str(job.error_code)
        assert (job.state, job.total) == ("finalizing", job.ok + job.no_face + job.failed)
        return _outcomes(services, job.id)

    return label


def _next_chunk(services: Services, job_id: str) -> list[int]:
    with services.database.reading() as session:
        query = session.query(Chunk.first).where(Chunk.job_id == job_id, Chunk.state != "done")
        return [row.first for row in query.order_by(Chunk.first).limit(1)]


def _outcomes(services: Services, job_id: str) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    times: Counter[str] = Counter()
    with services.database.reading() as session:
        for row in results.read(session, job_id):
            times[row.path] += 1
            name = row.path if times[row.path] == 1 else f"{row.path} ({times[row.path]})"
            outcomes[name] = row.error_code or row.status
    return outcomes
