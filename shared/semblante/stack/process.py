"""A child process with its own session and log, which never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from semblante.stack import launch

POLL_SECONDS = 0.05
LOG_BYTES = 16 * 1024**2
TAIL_BYTES = 8192
TAIL_LINES = 20


class ChildProcess:
    """A running program.

    Start it from a thread that lives as long as the program may: on Linux the kernel kills it
    when that thread ends. Its own session keeps the terminal's Ctrl-C away from it.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        niceness: int = 0,
        *,
        is_held: bool = False,
    ) -> None:
        """Start `command` (absolute program, arguments); output is appended to the file `log`.

        `environment` replaces this process's own; with `niceness` the program gives way to others.
        One that `is_held` has an input, where it waits for `let_go`.

        Raises:
            OSError: the log cannot be written or no process can be made.
        """
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        launcher = (sys.executable, "-I", "-S", launch.__file__)
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._child = subprocess.Popen(
                [*launcher, str(os.getpid()), str(niceness), *command],
                stdin=subprocess.PIPE if is_held else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The child's pid, and the id of its process group."""
        return self._child.pid

    @property
    def status(self) -> int | None:
        """The exit status once the child was reaped; negative: the signal that ended it."""
        return self._child.returncode

    def reap(self) -> bool:
        """Whether the child has ended; if so, what is left of its process group is killed."""
        if self._child.returncode is not None:
            return True
        if psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE:
            return False
        self._kill_group()  # while the zombie still keeps the group's id from being reused
        self._wait()
        return True

    def let_go(self) -> None:
        """Give a held program its line, once; later calls do nothing."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            with suppress(BrokenPipeError), self._child.stdin as line:  # it may have ended
                line.write(b"\n")

    def terminate(self) -> None:
        """Ask the child to end (SIGTERM to it alone, its own children are its business)."""
        # Not Popen.send_signal: that may reap, and reap() must see the zombie first.
        if self._child.returncode is None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self, grace: float, hurry: threading.Event | None = None) -> None:
        """End the child: SIGTERM, then after `grace` seconds or at `hurry` SIGKILL to its group."""
        self.terminate()
        deadline = time.monotonic() + grace
        while not self.reap():
            if time.monotonic() >= deadline or (hurry is not None and hurry.is_set()):
                self._kill_group()
                self._wait()
                return
            time.sleep(POLL_SECONDS)

    def last_lines(self) -> str:
        """Return the end of what this child has written: at most 20 lines."""
        with self.log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(self._log_start, end - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def _wait(self) -> None:
        self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()

    def _kill_group(self) -> None:
        with suppress(PermissionError):  # macOS's answer when only the zombie is left
            os.killpg(self.pid, signal.SIGKILL)
