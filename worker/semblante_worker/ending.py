"""A worker's quick end: without the three seconds that a pool takes to end idle children."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from billiard import active_children
from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.worker import WorkController, state


def wake_when_idle(**_: Any) -> None:
    """Leave the loop at once, when no message is held: it would look up within a second.

    A signal can come where Python drops what its handler raises (in a weak reference's callback,
    say), and Celery notes the end only after this; so it is noted here first, for the loop to see.
    """
    if not state.reserved_requests:
        state.should_stop = os.EX_OK
        raise WorkerShutdown(os.EX_OK)


class QuickEnd(bootsteps.StartStopStep):  # type: ignore[misc]
    """Ends the process with its idle children, when all that comes before the pool has stopped.

    With `semblante_quick_end` False, because children have something to send yet, or with a
    message at work, the pool ends as Celery ends it.
    """

    requires = {"celery.worker.components:Pool"}

    def stop(self, worker: WorkController) -> None:
        """End, if nothing is left to do."""
        if state.reserved_requests or not worker.app.conf.semblante_quick_end:
            return
        for child in active_children():  # where no kernel ends them with their parent
            os.kill(child.pid, signal.SIGKILL)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(os.EX_OK)
