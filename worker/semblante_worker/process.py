"""What one worker process keeps between tasks: its services and its loaded models."""

from __future__ import annotations

from dataclasses import dataclass

from semblante import bundles
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante_worker.predict import Predictor


@dataclass(frozen=True)
class WorkerProcess:
    """Made once in each child after the fork: connections and models must not cross it."""

    services: Services
    predictor: Predictor


def start_process(settings: Settings, *, preload: bool) -> WorkerProcess:
    """Open the services; with `preload`, load the default model before the first request."""
    predictor = Predictor(settings)
    if preload:
        predictor.load(bundles.find_bundle(settings.data, settings.model))
    return WorkerProcess(open_services(settings), predictor)
