"""A worker's life: the Celery parent takes messages, prefork children load models and work."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from celery import Celery
from celery.signals import (
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)
from celery.utils.log import current_process_index
from celery.utils.nodenames import host_format

from semblante.errors import SemblanteError
from semblante.logs import configure_logs
from semblante.queue import make_app
from semblante.settings import Settings
from semblante.stack.launch import die_with_parent
from semblante.telemetry import check_telemetry, start_telemetry, stop_telemetry
from semblante_worker.ending import (
    HangUp,
    QuickEnd,
    TaskLock,
    leave_hang_up_to_parent,
    outlives_hang_up,
    wake_when_idle,
)
from semblante_worker.own_worker import OwnWorker, StopSign
from semblante_worker.predict_failures import give_up_failures, inherit_requests
from semblante_worker.presence import Presence, PresenceBeat, PresenceStep
from semblante_worker.process import WorkerProcess, start_process
from semblante_worker.recovery import Recovery
from semblante_worker.shares import share_cores, with_device
from semblante_worker.sweeper import Sweeper
from semblante_worker.tasks import register_tasks

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
    """Work until SIGTERM or SIGHUP (steps end, chunks go back); return the exit code.

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
    slot, stop_sign = ProcessSlot(), StopSign()
    register_tasks(app, slot)
    give_up_failures(app)
    _add_steps(app, settings, own_name, queues, devices)
    master = os.getpid()
    labels = not {"classify", "predict"}.isdisjoint(queues)

    def start_child(**_: Any) -> None:
        die_with_parent(master)
        leave_hang_up_to_parent()
        try:
            own = with_device(settings, devices, current_process_index(base=0))
            if own.telemetry:
                start_telemetry("semblante-worker")
            worker = OwnWorker(own_name, stop_sign)
            slot.process = start_process(
                own, worker, preload=labels, replaces=app.conf.semblante_is_ready
            )
        except SemblanteError as error:  # Celery would only log it, and give the child tasks
            log.critical("worker process cannot start", code=error.code, detail=error.message)
            os._exit(os.EX_CONFIG)

    def tell_ready(**_: Any) -> None:
        app.conf.semblante_is_ready = True  # children made from now on replace others
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.touch()
        if "predict" in queues:
            inherit_requests(app)

    def give_sign(**_: Any) -> None:
        stop_sign.give()

    lock = app.conf.semblante_task_lock = TaskLock()
    task_prerun.connect(lock.share, weak=False)
    task_postrun.connect(lock.release, weak=False)
    worker_process_init.connect(start_child, weak=False)
    worker_process_shutdown.connect(stop_telemetry, weak=False)
    worker_ready.connect(tell_ready, weak=False)
    worker_shutting_down.connect(give_sign, weak=False)
    worker_shutting_down.connect(wake_when_idle, weak=False)
    return _celery_worker(app, settings, own_name, queues)


def _add_steps(
    app: Celery, settings: Settings, own_name: str, queues: Sequence[str], devices: Sequence[str]
) -> None:
    """Give the parent its own work: presence, sweeps, and a quick end."""
    app.conf.semblante_name = own_name
    app.conf.semblante_presence = Presence.of(settings, own_name, queues, devices)
    app.conf.semblante_rests = False
    app.conf.semblante_is_ready = False
    app.conf.semblante_quick_end = not settings.telemetry  # children have spans to send yet
    app.conf.semblante_outlives_hang_up = outlives_hang_up()
    app.steps["worker"].update((PresenceStep, QuickEnd, HangUp))
    app.steps["consumer"].update((PresenceBeat, Recovery))
    if "control" in queues:
        app.conf.semblante_clock = {
            "semblante.sweep": settings.sweep_seconds,
            "semblante.tidy": settings.tidy_seconds,
        }
        app.steps["consumer"].add(Sweeper)


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
