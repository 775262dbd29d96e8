"""Ties a process to its parent: when the parent ends, even by kill -9, so does the process.

Run as a script (`launch.py PARENT_PID NICENESS PROGRAM ARGUMENT...`) it becomes the program. A
script and no `preexec_fn`, because code between fork and exec may deadlock in a process that has
threads. Needs only the standard library: it runs with `python -I -S`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5


def die_with_parent(parent: int | None = None) -> None:
    """Have this process killed (SIGKILL) as soon as its parent ends.

    Linux: the kernel does it, and "parent" is the THREAD that started this process. Elsewhere a
    daemon thread looks every half second. A fork of this process is not tied: it calls this again.

    Args:
        parent: pid of the parent that the caller knows of. When it has already ended, this
            process ends at once. Without it, the parent at the time of the call counts.

    Raises:
        OSError: the kernel refuses.
    """
    expected = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        if library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    else:
        threading.Thread(target=_watch, args=(expected,), name="parent", daemon=True).start()
    if os.getppid() != expected:  # it ended before the kernel or the thread began to watch
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def guard(parent: int, command: Sequence[str]) -> int:
    """Run `command` as a child of this process and kill the whole process group with `parent`.

    For systems without `prctl`. SIGTERM is passed on. Returns the child's exit status, with
    128 + the signal's number when a signal ended it.
    """
    child = subprocess.Popen(command)

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        try:
            status = child.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                os.killpg(0, signal.SIGKILL)
        else:
            return status if status >= 0 else 128 - status


def give_way(niceness: int) -> None:
    """Let other programs have the cores before this process and those that it starts.

    Linux may share the cores among sessions first (autogroups, sched(7)): then niceness counts
    only within a session, and the session itself, which must be this process's own, needs it, too.
    """
    os.nice(niceness)
    with suppress(OSError):  # no autogroups here
        Path("/proc/self/autogroup").write_text(f"{niceness}\n")


def main(arguments: Sequence[str]) -> int:
    """Become (Linux) or guard (elsewhere) the program; `arguments` as in the module's text."""
    parent, niceness, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    if niceness:
        give_way(niceness)
    if sys.platform != "linux":
        return guard(parent, command)
    die_with_parent(parent)
    # The tie survives exec, but would not reach a process started from here.
    return os.execv(command[0], list(command))  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
