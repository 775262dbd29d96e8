"""The clock of sweep and tidy: a Celery boot step in the worker's parent process."""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker import WorkController

from semblante.queue import Queue


class Sweeper(bootsteps.StartStopStep):  # type: ignore[misc]
    """Sends each task of `semblante_clock` in its period; several workers may, neither harms."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, worker: WorkController, **options: Any) -> None:
        super().__init__(worker, **options)
        self._entries: list[Any] = []

    def start(self, worker: WorkController) -> None:
        """Begin with all of them at once: a sweep continues what an earlier run left."""
        queue = Queue(worker.app)

        def send(task: str) -> None:
            if not worker.app.conf.semblante_rests:  # nobody here would take it
                queue.send(task)

        for task, seconds in worker.app.conf.semblante_clock.items():
            send(task)
            self._entries.append(worker.timer.call_repeatedly(seconds, send, (task,)))

    def stop(self, worker: WorkController) -> None:  # noqa: ARG002
        """Send nothing more."""
        for entry in self._entries:
            entry.cancel()
