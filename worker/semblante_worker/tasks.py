"""The tasks, as thin as can be: each calls one function that knows no Celery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery

from semblante.errors import SemblanteError
from semblante_worker.classify import classify_chunk
from semblante_worker.finish import finish_job
from semblante_worker.index import index_job
from semblante_worker.predict_request import answer_request
from semblante_worker.process import WorkerProcess
from semblante_worker.sweep import sweep


def register_tasks(app: Celery, process: Callable[[], WorkerProcess]) -> None:
    """Give `app` its task bodies; `process` returns what the running child keeps."""

    @app.task(name="semblante.index")
    def index(job_id: str) -> None:
        index_job(process().services, job_id)

    @app.task(name="semblante.classify")
    def classify(job_id: str, first: int) -> None:
        classify_chunk(process().services, process().predictor, job_id, first)

    @app.task(name="semblante.finish")
    def finish(job_id: str) -> None:
        finish_job(process().services, job_id)

    @app.task(name="semblante.sweep")
    def sweep_all() -> None:
        sweep(process().services)

    @app.task(name="semblante.predict", ignore_result=False)
    def predict(key: str, model: str) -> dict[str, Any]:
        try:
            return {"ok": answer_request(process().services, process().predictor, key, model)}
        except SemblanteError as error:
            return {"error": {"code": error.code, "detail": error.message}}
