"""One component under supervision: started, awaited, started again when it ended."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import structlog

from semblante.errors import SemblanteError, Unavailable
from semblante.stack.component import Component
from semblante.stack.process import ChildProcess

POLL_SECONDS = 0.05
FIRST_BACKOFF_SECONDS = 0.2
LAST_BACKOFF_SECONDS = 5.0
HEALTHY_SECONDS = 30.0

log = structlog.get_logger(__name__)


class Supervised:
    """A component and the process that runs it at the moment."""

    def __init__(self, component: Component, log_file: Path) -> None:
        self.component = component
        self.restarts = 0
        self._log_file = log_file
        self._process: ChildProcess | None = None
        self._started_at = 0.0
        self._backoff = FIRST_BACKOFF_SECONDS
        self._restart_at: float | None = None

    @property
    def pid(self) -> int | None:
        """The process's pid; None between an end and the next start."""
        process = self._process
        return process.pid if process is not None else None

    def start(self) -> None:
        """Start the program. Raises OSError or what the component's `prepare` raises."""
        self.component.prepare()
        component = self.component
        self._process = ChildProcess(
            component.command,
            self._log_file,
            component.environment,
            component.niceness,
            is_held=component.is_held,
        )
        self._started_at = time.monotonic()

    def let_go(self) -> None:
        """Let the program begin, if its component is held."""
        if self._process is not None:
            self._process.let_go()

    def wait_until_ready(self, stopping: threading.Event) -> None:
        """Return when the program serves, or at once when the stack is to stop.

        Raises:
            Unavailable: `component_failed`, with the last lines of the program's log.
        """
        process, component = self._process, self.component
        if process is None:
            raise ValueError(f"{component.name} was not started.")
        deadline = time.monotonic() + component.ready_seconds
        while not stopping.is_set():
            if process.reap():
                raise _failed(process, f"{component.name} ended with status {process.status}")
            if component.ready():
                log.info("component ready", component=component.name, pid=process.pid)
                return
            if time.monotonic() >= deadline:
                seconds = f"{component.ready_seconds:g} s"
                raise _failed(process, f"{component.name} was not ready within {seconds}")
            stopping.wait(POLL_SECONDS)

    def watch(self) -> None:
        """Notice that the program has ended, and start it again when its time has come."""
        now = time.monotonic()
        if self._process is not None and self._process.reap():
            if now - self._started_at >= HEALTHY_SECONDS:
                self._backoff = FIRST_BACKOFF_SECONDS
            status, self._process = self._process.status, None
            self._restart_later(now, status=status)
        if self._restart_at is not None and now >= self._restart_at:
            self._restart_at = None
            self.restarts += 1
            try:
                self.start()
                self.let_go()
            except (OSError, SemblanteError) as error:  # a full disk or too many processes: again
                self._restart_later(now, error=str(error))

    def terminate(self) -> None:
        """Ask the program to end."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, hurry: threading.Event) -> None:
        """End the program within its grace, or at once when `hurry` is set."""
        if self._process is not None:
            self._process.stop(self.component.grace_seconds, hurry)
            log.info("component stopped", component=self.component.name)
            self._process = None

    def _restart_later(self, now: float, **reason: object) -> None:
        log.warning(
            "component ended", component=self.component.name, again_in=self._backoff, **reason
        )
        self._restart_at = now + self._backoff
        self._backoff = min(2 * self._backoff, LAST_BACKOFF_SECONDS)


def _failed(process: ChildProcess, what: str) -> Unavailable:
    return Unavailable(
        "component_failed", f"{what}. The end of {process.log}:\n{process.last_lines()}"
    )
