"""Fixtures of the worker's tests: services that name the shipped model, and a loaded predictor."""

from __future__ import annotations

import pytest

from factory import CLASSES
from semblante import bundles
from semblante.jobs import ModelOfJob
from semblante.settings import Settings
from semblante_worker.predict import Predictor


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelOfJob:
    """Return the shipped model, as a job names it."""
    bundle = bundles.find_bundle(tmp_path_factory.mktemp("none"), "starter")
    return ModelOfJob(bundle.reference, CLASSES)


@pytest.fixture(scope="session")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Return a predictor that loads its model once for this test process."""
    data = tmp_path_factory.mktemp("data")
    return Predictor(Settings(data=data, batch_size=4, compute_threads=1, decode_threads=1))
