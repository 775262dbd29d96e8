"""Who holds a lease: an identity of this process that others on the same host can check."""

from __future__ import annotations

import functools
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import psutil

IDLE = (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED)
PROC = Path("/proc")
BOOT_ID = PROC / "sys/kernel/random/boot_id"
TICKS_FIELD = 22
"""Of `/proc/PID/stat`, proc(5): when the process started, in ticks since the boot."""

FIRST_FIELD_AFTER_NAME = 3


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
    return f"{socket.gethostname()}/{process.pid}/{_start(process)}"


def _start(process: psutil.Process) -> str:
    """Return when `process` started; raises NoSuchProcess.

    On Linux by the boot and its ticks: the time of day of a start, which psutil reckons, moves when
    the host's clock is set, and living holders would seem to be others.
    """
    boot = _boot_id()
    if boot is None:
        return f"{process.create_time():.2f}"
    try:
        stat = (PROC / str(process.pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(process.pid) from error
    fields = stat.rpartition(b")")[2].split()  # a name may hold spaces and brackets
    return f"{boot}.{int(fields[TICKS_FIELD - FIRST_FIELD_AFTER_NAME])}"


@functools.cache
def _boot_id() -> str | None:
    """Return what the kernel calls this boot; None where it gives it no name."""
    if sys.platform != "linux":
        return None
    try:
        return BOOT_ID.read_text().strip()
    except OSError:  # a sandbox that has no such file
        return None


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
        return _start(process) != started
    except psutil.NoSuchProcess:
        return True
