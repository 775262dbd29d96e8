"""Starts programs in order, keeps them alive, and stops them in reverse order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from semblante.errors import SemblanteError, Unavailable
from semblante.stack.component import Component, nothing
from semblante.stack.supervised import Supervised

WATCH_SECONDS = 0.1


class Supervisor:
    """Runs stages of components: all of a stage start together, a stage when the last one is ready.

    Held components start before all others, and are let go in their stage.

    A context manager beside other work. Leaving it stops everything in reverse order; Ctrl-C
    meanwhile ends what is left at once. All children belong to one thread that lives as long as
    the supervisor, because the kernel ties a child to the thread that started it.
    """

    def __init__(
        self,
        logs: Path,
        stages: Sequence[Sequence[Component]],
        *,
        awaits_last: bool = True,
        prepare: Callable[[], None] = nothing,
    ) -> None:
        """Nothing starts yet. Output of a component goes to `logs/<its name>.log`.

        Unless it `awaits_last`, the last stage may not be ready yet when the block begins. All
        stages but the first wait until `prepare` has returned, which the caller's thread calls.
        """
        self._stages = [
            [Supervised(component, logs / f"{component.name}.log") for component in stage]
            for stage in stages
        ]
        self._by_name = {one.component.name: one for stage in self._stages for one in stage}
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._awaits_last = awaits_last
        self._prepare = prepare
        self._prepared = threading.Event()
        self._begun = threading.Event()
        self._started = threading.Event()
        self._ended = threading.Event()
        self._failure: OSError | SemblanteError | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        """Start everything and wait until it is ready, maybe but for the last stage.

        Raises:
            Unavailable: `component_failed` or `component_missing`; nothing is left running. Nor
                is it after what `prepare` raises.
        """
        self._thread.start()
        try:
            self._prepare()
            self._prepared.set()
            (self._started if self._awaits_last else self._begun).wait()
        except BaseException:
            self._stop()
            raise
        self.check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything in reverse order."""
        self._stop()

    def wait(self) -> None:
        """Block until Ctrl-C (KeyboardInterrupt, which ends here) or a failure of the supervisor.

        Raises:
            Unavailable: `component_failed`, when the supervisor itself failed.
        """
        try:
            self._ended.wait()
        except KeyboardInterrupt:
            return
        self.check()

    def check(self) -> None:
        """Raise what the supervising thread failed with, if it failed."""
        if self._ended.is_set() and self._failure is not None:
            self._thread.join()
            raise self._failure

    def pid(self, name: str) -> int | None:
        """Return the pid of a component, None while it does not run; KeyError: no such one."""
        return self._by_name[name].pid

    def restarts(self, name: str) -> int:
        """Return how often a component was started again; KeyError: no such one."""
        return self._by_name[name].restarts

    def _stop(self) -> None:
        self._stopping.set()
        self._prepared.set()
        try:
            self._ended.wait()
        except KeyboardInterrupt:
            self._hurry.set()
            self._ended.wait()
        self._thread.join()

    def _run(self) -> None:
        """What the supervising thread does, from the first start to the last stop."""
        failure: OSError | SemblanteError | None = Unavailable(
            "component_failed", "The supervisor ended by a defect; the traceback is above."
        )
        try:
            self._start_all()
            self._started.set()
            while not self._stopping.wait(WATCH_SECONDS):
                for supervised in self._by_name.values():
                    supervised.watch()
            failure = None
        except (OSError, SemblanteError) as error:
            failure = error
        finally:
            self._failure = failure
            self._stop_all()
            self._ended.set()
            self._begun.set()
            self._started.set()

    def _start_all(self) -> None:
        for supervised in self._by_name.values():
            if supervised.component.is_held:
                supervised.start()
        for stage in self._stages:
            if stage is not self._stages[0]:
                self._prepared.wait()
            for supervised in stage:
                if self._stopping.is_set():
                    return
                if not supervised.component.is_held:
                    supervised.start()
                supervised.let_go()
            if stage is self._stages[-1]:
                self._begun.set()
            for supervised in stage:
                supervised.wait_until_ready(self._stopping)

    def _stop_all(self) -> None:
        for stage in reversed(self._stages):
            for supervised in stage:
                supervised.terminate()
            for supervised in reversed(stage):
                supervised.stop(self._hurry)
