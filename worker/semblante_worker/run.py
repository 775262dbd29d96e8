"""A worker's life: the Celery parent takes messages, prefork children load models and work."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from billiard import active_children
from celery import Celery
from celery.signals import (
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)
from celery.utils.log import current_process_index
from celery.utils.nodenames import host_format
from celery.worker import state

from semblante.errors import SemblanteError
from semblante.logs import configure_logs
from semblante.queue import make_app
from semblante.settings import Settings
from semblante.stack.launch import die_with_parent
from semblante.telemetry import check_telemetry, start_telemetry, stop_telemetry
from semblante_worker.decode import usable_cores
from semblante_worker.presence import Presence, PresenceStep
from semblante_worker.process import WorkerProcess, start_process
from semblante_worker.sweeper import Sweeper
from semblante_worker.tasks import register_tasks

CORES_PER_CHILD = 4

log = structlog.get_logger()


class ProcessSlot:
    """Holds the child's WorkerProcess; empty in the parent, which must not touch a model."""

    def __init__(self) -> None:
        self.process: WorkerProcess | None = None

    def __call__(self) -> WorkerProcess:
        """Return what this child keeps."""
        if self.process is None:
            raise RuntimeError("a task ran outside a worker's child process")
        return self.process


def run_worker(
    settings: Settings, name: str, queues: list[str], ready: Path, devices: Sequence[str] = ()
) -> int:
    """Work until SIGTERM (which lets tasks end); return the exit code.

    Args:
        settings: The settings of parent and children.
        name: Of this worker among those on this host.
        queues: The queues to take messages from.
        ready: A file to touch when messages are taken.
        devices: Those that the children take in turn; without any, that of the settings.
    """
    check_telemetry(settings)
    configure_logs(settings)
    settings = share_cores(settings)
    for chatty in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # two lines for every chunk
    app = make_app(settings)
    own_name = host_format(f"{name}@%h")
    slot = ProcessSlot()
    register_tasks(app, slot)
    app.conf.semblante_presence = Presence.of(settings, own_name, queues, devices)
    app.steps["worker"].add(PresenceStep)
    if "control" in queues:
        app.conf.semblante_clock = {
            "semblante.sweep": settings.sweep_seconds,
            "semblante.tidy": settings.tidy_seconds,
        }
        app.steps["worker"].add(Sweeper)

    master = os.getpid()

    def start_child(**_: Any) -> None:
        die_with_parent(master)
        try:
            own = with_device(settings, devices, current_process_index(base=0))
            if own.telemetry:
                start_telemetry("semblante-worker")
            slot.process = start_process(own, own_name, preload="predict" in queues)
        except SemblanteError as error:  # Celery would only log it, and give the child tasks
            log.critical("worker process cannot start", code=error.code, detail=error.message)
            os._exit(os.EX_CONFIG)

    def tell_ready(**_: Any) -> None:
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.touch()

    worker_process_init.connect(start_child, weak=False)
    worker_process_shutdown.connect(stop_telemetry, weak=False)
    worker_ready.connect(tell_ready, weak=False)
    if not settings.telemetry:  # children may have spans to send yet
        worker_shutting_down.connect(leave_when_idle, weak=False)
    return _celery_worker(app, settings, own_name, queues)


def with_device(settings: Settings, devices: Sequence[str], child: int | None) -> Settings:
    """Return the settings of a child; a child that takes a dead one's place has its number."""
    if not devices:
        return settings
    return settings.model_copy(update={"device": devices[(child or 0) % len(devices)]})


def share_cores(settings: Settings) -> Settings:
    """Give each child its part of the cores: threads that outnumber them wait for one another.

    While one child writes rows or reads an archive another one computes, so that two share even
    two cores; more cores need more children, because threads of one share an interpreter.
    """
    cores = usable_cores()
    processes = settings.worker_processes or max(min(2, cores), cores // CORES_PER_CHILD)
    part = max(1, cores // processes)
    return settings.model_copy(
        update={
            "worker_processes": processes,
            "compute_threads": settings.compute_threads or part,
            "decode_threads": settings.decode_threads or part,
        }
    )


def leave_when_idle(**_: Any) -> None:
    """End at once when no message is held: a pool takes three seconds to end idle children."""
    if not state.reserved_requests:
        for child in active_children():  # where no kernel ends them with their parent
            os.kill(child.pid, signal.SIGKILL)
        sys.stdout.flush()
        os._exit(os.EX_OK)


def _celery_worker(app: Celery, settings: Settings, own_name: str, queues: list[str]) -> int:
    worker = app.Worker(
        hostname=own_name,
        queues=queues,
        concurrency=settings.worker_processes,
        pool="prefork",
        loglevel=settings.log_level,
        redirect_stdouts=False,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)
