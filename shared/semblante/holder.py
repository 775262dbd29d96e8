"""Who holds a lease: an identity of this process that others on the same host can check."""

from __future__ import annotations

import os
import socket

import psutil


def this_process() -> str:
    """Return `host/pid/start`, unique among all processes that ever ran on this host."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"


def is_known_dead(holder: str) -> bool:
    """Whether `holder` ran on this host and has certainly ended.

    A holder on another host is never known to be dead: only its lease's end tells.
    """
    host, pid, started = holder.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE and process.pid != os.getpid():
            return True
        return f"{process.create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True
