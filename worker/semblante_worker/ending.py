"""A worker's quick end: without the three seconds that a pool takes to end idle children."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import tempfile
from pathlib import Path
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


class TaskLock:
    """A lock that children share during each task; the parent gets it when none is at work.

    Celery's own lists do not tell: it empties them before the pool ends. The kernel keeps the lock
    by process, so that one that dies holds it no longer. Made before the fork.
    """

    def __init__(self) -> None:
        self._descriptor, path = tempfile.mkstemp()  # open for life
        Path(path).unlink()

    def share(self, **_: Any) -> None:
        """Hold it in a child, from before its task."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_SH)

    def release(self, **_: Any) -> None:
        """Hold it no longer."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def take(self) -> None:
        """Wait until no task runs, and let none begin as long as this process lives."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)


class QuickEnd(bootsteps.StartStopStep):  # type: ignore[misc]
    """Ends the process with its children, when their tasks have ended.

    With `semblante_quick_end` False, because children have something to send yet, the pool ends as
    Celery ends it.
    """

    requires = {"celery.worker.components:Pool"}

    def stop(self, worker: WorkController) -> None:
        """Let tasks end, then end."""
        if not worker.app.conf.semblante_quick_end:
            return
        worker.app.conf.semblante_task_lock.take()
        for child in active_children():  # where no kernel ends them with their parent
            os.kill(child.pid, signal.SIGKILL)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(worker.exitcode or os.EX_OK)  # Celery has noted there what it could not mend
