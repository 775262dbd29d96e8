"""The tasks, as thin as can be: each calls one function that knows no Celery."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from celery import Celery, Task
from structlog.contextvars import bound_contextvars

from semblante.predict_requests import TASK as PREDICT
from semblante.retention import expire_jobs
from semblante.telemetry import message_span
from semblante_worker.caps import StuckDecode
from semblante_worker.classify import classify_chunk
from semblante_worker.deliver import deliver_beside
from semblante_worker.finish import finish_job
from semblante_worker.index import index_job
from semblante_worker.metrics import STEP_SECONDS
from semblante_worker.orphans import remove_orphans
from semblante_worker.predict_answers import answer_requests
from semblante_worker.predict_failures import taker_of
from semblante_worker.process import WorkerProcess
from semblante_worker.sweep import sweep


def register_tasks(app: Celery, process: Callable[[], WorkerProcess]) -> None:
    """Give `app` its task bodies; `process` returns what the running child keeps."""
    register = partial(app.task, shared=False)  # no other application of this process has them

    @register(name="semblante.index", bind=True)
    def index(task: Task, job_id: str) -> None:
        with told(task, job_id=job_id), STEP_SECONDS.labels("index").time():
            own = process()
            index_job(own.services, job_id, own.worker.stops)

    @register(name="semblante.classify", bind=True)
    def classify(task: Task, job_id: str, first: int) -> None:
        with told(task, job_id=job_id, first=first), ending_when_stuck():
            own = process()
            classify_chunk(own.services, own.predictor, job_id, first, own.worker)

    @register(name="semblante.finish", bind=True)
    def finish(task: Task, job_id: str) -> None:
        with told(task, job_id=job_id), STEP_SECONDS.labels("finish").time():
            own = process()
            finish_job(own.services, job_id, own.worker.stops)

    @register(name="semblante.sweep")
    def sweep_all() -> None:
        sweep(process().services)

    @register(name="semblante.tidy")
    def tidy() -> None:
        expire_jobs(process().services)
        remove_orphans(process().services)

    @register(name="semblante.deliver")
    def deliver(event_id: str) -> None:
        deliver_beside(process().services, event_id)

    # Not again after a crash: what it had in hand is asked again, each request alone.
    @register(name=PREDICT, bind=True, acks_late=False)
    def predict(task: Task) -> None:
        with ending_when_stuck():
            own = process()
            taker = taker_of(app, task.request.id)
            answer_requests(own.services, own.predictor, taker)


@contextmanager
def told(task: Task, **ids: str | int) -> Iterator[None]:
    """Name `ids` in each log line, and make the task a span of its sender's trace."""
    with bound_contextvars(**ids), message_span(task.name, task.request.headers, **ids):
        yield


@contextmanager
def ending_when_stuck() -> Iterator[None]:
    """End this process when a decoder does not end: nothing else stops its thread."""
    try:
        yield
    except StuckDecode:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(os.EX_SOFTWARE)
