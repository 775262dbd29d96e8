"""A worker outlives a broker that refuses: one that became a replica, is full, or has other rights.

Celery begins its consumer anew after such an error, too, once it is told so (`make_app`); but it
would fail again at once, and write its traceback five times a second.
"""

from __future__ import annotations

import time
from typing import Any

from celery import bootsteps
from celery.worker.consumer import Consumer
from celery.worker.consumer.consumer import STOP_CONDITIONS

FIRST_PAUSE_SECONDS = 0.25
LAST_PAUSE_SECONDS = 4.0
CALM_SECONDS = 10.0


class Recovery(bootsteps.StartStopStep):  # type: ignore[misc]
    """Pauses when the consumer failed within `CALM_SECONDS` again, longer each time.

    After a calm time it does not: who lost a connection takes messages as soon as another is there.
    It pauses at the stop, because the first step that begins, the connection, is refused already.
    """

    def __init__(self, consumer: Consumer, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._failed = float("-inf")
        self._pause = 0.0

    def stop(self, consumer: Consumer) -> None:
        """Pause, if need be, unless the worker ends."""
        if consumer.blueprint.state in STOP_CONDITIONS:
            return
        is_calm = time.monotonic() - self._failed >= CALM_SECONDS
        longer = min(2 * self._pause, LAST_PAUSE_SECONDS) or FIRST_PAUSE_SECONDS
        self._pause = 0.0 if is_calm else longer
        time.sleep(self._pause)
        self._failed = time.monotonic()
