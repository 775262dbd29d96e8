"""The clock of the sweep: a Celery boot step in the worker's parent process."""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker import WorkController

from semblante.queue import Queue


class Sweeper(bootsteps.StartStopStep):  # type: ignore[misc]
    """Sends `semblante.sweep` every `sweep_seconds`; several workers may, a sweep harms nothing."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, worker: WorkController, **options: Any) -> None:
        super().__init__(worker, **options)
        self._entry: Any = None

    def start(self, worker: WorkController) -> None:
        """Begin with a sweep at once: it continues what an earlier run left."""
        seconds = worker.app.conf.semblante_sweep_seconds
        queue = Queue(worker.app)

        def send() -> None:
            queue.send("semblante.sweep")

        send()
        self._entry = worker.timer.call_repeatedly(seconds, send)

    def stop(self, worker: WorkController) -> None:  # noqa: ARG002
        """Send no more sweeps."""
        if self._entry is not None:
            self._entry.cancel()
