"""Everything that one machine needs, in one context manager: `semblante up` and `label` use it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from semblante.settings import Settings
from semblante.stack.broker import Broker
from semblante.stack.component import Component
from semblante.stack.environment import child_environment
from semblante.stack.lock import hold_folder
from semblante.stack.ready_file import ready_file
from semblante.stack.signals import interrupt_on_termination
from semblante.stack.supervisor import Supervisor
from semblante.stack.web_ready import UNSPECIFIED, free_port, web_answers

# -P: a file called like a module in the user's folder must not be imported instead of it.
PROGRAM = (sys.executable, "-P", "-m", "semblante")

WORKER_READY_SECONDS = 180.0
"""A cold disk takes this long to load an inference library."""
WORKER_GRACE_SECONDS = 30.0
"""Enough for the chunk at hand; a chunk that is not done is done again after the next start."""
WEB_GRACE_SECONDS = 10.0
BATCH_NICENESS = 5
"""Beside a web: people wait for its short answers, and a job takes the cores all the other time."""


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    settings: Settings
    """The settings in force: `data` absolute, `broker_url` and `port` as they really are."""
    supervisor: Supervisor

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the web."""
        host = UNSPECIFIED.get(self.settings.host, self.settings.host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.settings.port}"

    def wait(self) -> None:
        """Block until Ctrl-C or SIGTERM."""
        self.supervisor.wait()


@contextmanager
def embedded_stack(
    settings: Settings,
    web: bool,
    predict_worker: bool,
    program: Sequence[str] = PROGRAM,
    *,
    awaits_worker: bool = True,
) -> Iterator[Stack]:
    """Run broker, worker and, as asked, web and predict worker until the block is left.

    Nothing is left running afterwards, not even after kill -9 of this process. SIGTERM and SIGHUP
    raise KeyboardInterrupt in the block. With `broker_url` set no broker is started.

    Args:
        settings: the caller's settings.
        web: whether the web is started.
        predict_worker: whether a worker for single images is started.
        program: the command that takes `worker ...` and `web` as arguments.
        awaits_worker: whether the worker takes messages when the block begins; else
            `supervisor.check()` tells when it fails to.

    Raises:
        Conflict: `already_running`, when another stack uses the data folder.
        Unavailable: `component_missing`; `component_failed`, with the end of its log.
    """
    data = settings.data.expanduser().resolve()
    settings = settings.model_copy(update={"data": data})
    with interrupt_on_termination(), hold_folder(data), ExitStack() as last:
        if web:
            settings = settings.model_copy(update={"port": free_port(settings)})
        first: list[Component] = []
        if settings.broker_url is None:
            broker = Broker(data / "broker")
            last.callback(broker.leave)
            settings = settings.model_copy(update={"broker_url": broker.url})
            first.append(broker.component())
        supervisor = Supervisor(
            data / "logs",
            [first, _components(settings, web, predict_worker, program)],
            awaits_last=awaits_worker,
            prepare=partial(_upgrade, settings.database),
        )
        with supervisor:
            yield Stack(settings, supervisor)


def _upgrade(database: str) -> None:
    """Bring the schema up to date, while the broker starts and the workers import their modules."""
    from semblante.migrations import upgrade  # Alembic is slow to import

    upgrade(database)


def _components(
    settings: Settings, web: bool, predict_worker: bool, program: Sequence[str]
) -> list[Component]:
    niceness = BATCH_NICENESS if web else 0
    components = [_worker(settings, "batch", "control,classify", program, niceness)]
    if predict_worker:
        components.append(_worker(settings, "predict", "predict", program))
    if web:
        components.append(
            Component(
                name="web",
                command=(*program, "web"),
                ready=partial(web_answers, settings),
                environment=child_environment(settings),
                grace_seconds=WEB_GRACE_SECONDS,
            )
        )
    return components


def _worker(
    settings: Settings, name: str, queues: str, program: Sequence[str], niceness: int = 0
) -> Component:
    ready = ready_file(settings.data, name)

    def prepare() -> None:
        ready.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)

    return Component(
        name=name,
        command=(*program, "worker", "--name", name, "--queues", queues, "--held"),
        is_held=True,
        ready=ready.exists,
        prepare=prepare,
        environment=child_environment(settings),
        ready_seconds=WORKER_READY_SECONDS,
        grace_seconds=WORKER_GRACE_SECONDS,
        niceness=niceness,
    )
