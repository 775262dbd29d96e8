"""The clock of sweep and tidy: a Celery boot step of the worker's parent process.

Of its consumer, which begins anew after each loss of the broker: Celery forgets all timers then.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker.consumer import Consumer

from semblante.queue import Queue


class Sweeper(bootsteps.StartStopStep):  # type: ignore[misc]
    """Sends each task of `semblante_clock` in its period; several workers may, neither harms."""

    requires = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, consumer: Consumer, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._entries: list[Any] = []

    def start(self, consumer: Consumer) -> None:
        """Begin with all of them at once: a sweep continues what an earlier run left."""
        self.stop(consumer)
        queue, conf = Queue(consumer.app), consumer.app.conf

        def send(task: str) -> None:
            if not conf.semblante_rests:  # nobody here would take it
                queue.send(task)

        for task, seconds in conf.semblante_clock.items():
            send(task)
            self._entries.append(consumer.timer.call_repeatedly(seconds, send, (task,)))

    def stop(self, consumer: Consumer) -> None:  # noqa: ARG002
        """Send nothing more."""
        for entry in self._entries:
            entry.cancel()
        self._entries.clear()
