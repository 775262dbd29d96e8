"""Fixtures of the worker's tests: services that name the shipped model, and a loaded predictor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from semblante.bundles import shipped_bundle
from semblante.jobs import ModelOfJob
from semblante.settings import Settings
from semblante_worker.predict import Predictor


@pytest.fixture(scope="session")
def model() -> ModelOfJob:
    """Return the shipped model, as a job names it."""
    return ModelOfJob.of(shipped_bundle("resnet18-raf7"))


@pytest.fixture(scope="session")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Return a predictor that loads its model once for this test process."""
    data = tmp_path_factory.mktemp("data")
    return Predictor(Settings(data=data, batch_size=4, compute_threads=1, decode_threads=1))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Tests run side by side, and threads that outnumber the cores wait for one another."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
