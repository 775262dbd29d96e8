"""Requests of a process that failed are asked again by its parent, or by the next worker."""

from __future__ import annotations

from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Celery, Task
from celery.signals import task_failure

from semblante.predict_requests import TASK, PredictRequests
from semblante.queue import Queue


def taker_of(app: Celery, task_id: str) -> str:
    """Return the name under which a task of this worker takes requests."""
    return f"{_own_name(app)}/{task_id}"


def give_up_failures(app: Celery) -> None:
    """From now on, give up what a failed task had in hand; Celery tells the parent of crashes."""

    def give_up(sender: Task, task_id: str, exception: BaseException, **_: Any) -> None:
        if sender.name == TASK:
            code = _code_of(exception)
            PredictRequests(Queue(app)).give_up(taker_of(app, task_id), code)

    task_failure.connect(give_up, weak=False)


def inherit_requests(app: Celery) -> None:
    """Ask again what an earlier process of this worker's name had in hand when it was killed."""
    PredictRequests(Queue(app)).inherit(_own_name(app))


def _code_of(failure: BaseException) -> str:
    """Return what a request is told at which workers fail in this way again and again.

    Only the end of a process is blamed on the image.
    """
    if isinstance(failure, WorkerLostError):
        return "worker_crash"
    return "storage_unavailable" if isinstance(failure, OSError) else "internal_error"


def _own_name(app: Celery) -> str:
    return str(app.conf.get("semblante_name", "worker"))
