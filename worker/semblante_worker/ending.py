"""How a worker ends: at which signals, and quickly, without the three seconds of a pool's end."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from billiard import active_children
from celery import bootsteps
from celery.apps.worker import install_worker_term_handler
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


def outlives_hang_up() -> bool:
    """Whether this process was told so when it began, as `nohup` does; ask before Celery starts."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


class HangUp(bootsteps.StartStopStep):  # type: ignore[misc]
    """Has SIGHUP end the worker as SIGTERM does, or do nothing where it was ignored.

    Celery's own way is to start the program anew as the interpreter exits, which the quick end
    skips, or on a terminal to die at once. It sets its handlers before the first step begins.
    """

    def start(self, worker: WorkController) -> None:
        """Replace Celery's handler."""
        if worker.app.conf.semblante_outlives_hang_up:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        else:  # which may have lost its terminal: it can be told nothing
            install_worker_term_handler(worker, sig="SIGHUP", verbose=False)


def leave_hang_up_to_parent() -> None:
    """In a child: a closed terminal tells all its processes, and only the parent ends in order."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


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
        with suppress(OSError):  # a terminal that was closed
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(worker.exitcode or os.EX_OK)  # Celery has noted there what it could not mend
