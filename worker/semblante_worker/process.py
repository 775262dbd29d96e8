"""What one worker process keeps between tasks: its services and its loaded models."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from semblante.default_model import choose
from semblante.errors import SemblanteError
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante_worker.model_loading import load_model
from semblante_worker.own_worker import OWN_WORKER, OwnWorker
from semblante_worker.predict import Predictor
from semblante_worker.sweep import resend_lost_leases

log = structlog.get_logger()

GARBAGE_THRESHOLD = 50_000
SWITCH_SECONDS = 0.001
"""After each call of a decoder, engine or database a thread waits so long for its turn at most."""


@dataclass(frozen=True)
class WorkerProcess:
    """Made once in each child after the fork: connections and models must not cross it."""

    services: Services
    predictor: Predictor
    worker: OwnWorker


def start_process(
    settings: Settings,
    worker: OwnWorker = OWN_WORKER,
    *,
    preload: bool,
    replaces: bool = False,
) -> WorkerProcess:
    """Open the services.

    With `preload`, load the default model before the first request. A process that `replaces` one
    that died sends its chunks again: on its host alone it is known at once that it died.
    """
    process = WorkerProcess(open_services(settings), Predictor(settings), worker)
    if replaces:
        _resend_lost_leases(process.services)
    if preload:
        _preload(process)
    tune_interpreter()
    return process


def tune_interpreter() -> None:
    """Set Python up for rows by the million and threads that wait for each other.

    The first takes a fifth off the time of an index, the others a sixth of the rest
    (`benchmarks/index_job.py`).
    """
    gc.freeze()  # what lives as long as the process is no garbage
    gc.set_threshold(GARBAGE_THRESHOLD)  # rows are no cycles: looking at them finds none
    sys.setswitchinterval(SWITCH_SECONDS)


def _resend_lost_leases(services: Services) -> None:
    try:
        resend_lost_leases(services)
    except SQLAlchemyError as error:
        log.warning("lost leases are left to the sweep", detail=str(error))


def _preload(process: WorkerProcess) -> None:
    """Load the default model; without one this process serves the others all the same."""
    services = process.services
    try:
        with services.database.reading() as session:
            digest = choose(session, services.settings).digest
        load_model(services, process.predictor, digest)
    except SemblanteError as error:
        if error.code == "component_missing":  # no model would load here
            raise
        log.warning("default model not loaded", code=error.code, detail=error.message)
    except (OSError, SQLAlchemyError) as error:
        log.warning("default model not loaded", detail=str(error))
