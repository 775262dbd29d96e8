"""Who holds a lease: an identity of this process that others on the same host can check."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import psutil

IDLE = (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED)


def this_process() -> str:
    """Return `host/pid/start`, unique among all processes that ever ran on this host."""
    return _identity(psutil.Process())


def own_children() -> list[str]:
    """Return the identities of the processes that this one has started."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            found.append(_identity(child))
    return found


def _identity(process: psutil.Process) -> str:
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"


def cannot_work(holder: str) -> bool:
    """Whether `holder` ran on this host and does nothing: it ended, or a signal stopped it.

    One that is woken later finds its lease gone. Of a holder on another host nothing is known: only
    its lease's end tells.
    """
    host, pid, started = holder.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        if process.status() in IDLE and process.pid != os.getpid():
            return True
        return f"{process.create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True
