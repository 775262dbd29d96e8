"""The CUDA engine's logic, run eagerly on the CPU: fixed shapes, filled-up passes, full memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from networks import random_pixels
from semblante.bundles import Bundle, shipped_bundle
from semblante_worker.engines import load_engine
from semblante_worker.engines.cuda_engine import FEW_ROWS, CudaEngine
from semblante_worker.engines.network_input import normalise
from semblante_worker.engines.torch_engine import load_network

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
NORMALISE = "semblante_worker.engines.cuda_engine.normalise"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return shipped_bundle("resnet18-raf7")


@pytest.fixture
def engine(bundle: Bundle) -> CudaEngine:
    engine = CudaEngine(bundle, load_network(bundle), CPU)
    engine.batch_rows = 16
    return engine


@pytest.mark.parametrize("count", [1, FEW_ROWS, FEW_ROWS + 1, 16, 35])
def test_filled_up_passes_give_what_the_plain_engine_gives(
    bundle: Bundle, engine: CudaEngine, count: int
) -> None:
    pixels = random_pixels(count, 112, 112)
    pixels.flags.writeable = False
    engine.predict(random_pixels(16, 112, 112)[::-1])  # leaves other images in the buffer
    expected = load_engine(bundle, "cpu", 1, "torch").predict(pixels)
    assert engine.predict(pixels) == pytest.approx(expected, abs=1e-5)


def test_a_pass_that_the_memory_does_not_hold_is_halved(
    engine: CudaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = random_pixels(20, 112, 112)
    expected = engine.predict(pixels)
    shapes: list[int] = []

    def scarce(images: torch.Tensor, *others: object) -> torch.Tensor:
        shapes.append(len(images))
        if len(images) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return normalise(images, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(NORMALISE, scarce)
    assert engine.predict(pixels) == pytest.approx(expected, abs=1e-5)
    assert (shapes, engine.batch_rows) == ([16, 8, 4, 4, 4, 4, 4], 4)


def test_no_memory_for_one_image_is_an_error(
    engine: CudaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(NORMALISE, none)
    with pytest.raises(torch.OutOfMemoryError):
        engine.predict(random_pixels(3, 112, 112))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_half_precision_is_near_the_cpu_and_labels_are_the_same(bundle: Bundle) -> None:
    pixels = random_pixels(1500, 112, 112)
    expected = load_engine(bundle, "cpu", engine="torch").predict(pixels)
    engine = load_engine(bundle, "cuda")
    found = np.concatenate([engine.predict(pixels[:700]), engine.predict(pixels[700:])])
    assert found == pytest.approx(expected, abs=1e-2)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.998
