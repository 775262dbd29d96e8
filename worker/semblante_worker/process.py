"""What one worker process keeps between tasks: its services and its loaded models."""

from __future__ import annotations

import gc
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

log = structlog.get_logger()


@dataclass(frozen=True)
class WorkerProcess:
    """Made once in each child after the fork: connections and models must not cross it."""

    services: Services
    predictor: Predictor
    worker: OwnWorker


def start_process(
    settings: Settings, worker: OwnWorker = OWN_WORKER, *, preload: bool
) -> WorkerProcess:
    """Open the services; with `preload`, load the default model before the first request."""
    process = WorkerProcess(open_services(settings), Predictor(settings), worker)
    if preload:
        _preload(process)
    # What lives as long as the process is no garbage: a fifth of an index's time went into looking.
    gc.freeze()
    return process


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
