"""Networks beyond our own ResNets: the engine runs them as torchvision defines them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from bundle_factory import PREPROCESS, write_bundle
from networks import network_of, random_pixels
from semblante.bundles import read_bundle
from semblante.card import Architecture
from semblante_worker.architectures import build_network
from semblante_worker.engines import load_engine
from semblante_worker.engines.torch_engine import load_network


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tests run side by side, and threads that outnumber the cores wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("architecture", "count"),
    [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("mobilenet_v2", 3_504_872),
        ("efficientnet_b0", 5_288_548),
    ],
)
def test_networks_have_the_published_number_of_weights(
    architecture: Architecture, count: int
) -> None:
    network = build_network(architecture, 1000)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("architecture", ["resnet50", "mobilenet_v2", "efficientnet_b0"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_the_engine_equals_the_plain_network(
    tmp_path: Path, architecture: Architecture, colour: str
) -> None:
    weights = safetensors.torch.save(network_of(architecture, 64).state_dict())
    preprocess: dict[str, Any] = PREPROCESS | {"colour": colour, "resize": [64, 64]}
    folder = write_bundle(tmp_path / "b", weights, architecture=architecture, preprocess=preprocess)
    bundle = read_bundle(folder, verify=True)
    batch = random_pixels(5, *bundle.card.preprocess.shape)

    engine = load_engine(bundle, "cpu", compute_threads=1)

    colours = np.stack([batch] * 3, axis=-1) if batch.ndim == 3 else batch
    normal = torch.tensor((colours / 255 - 0.5) / 0.25, dtype=torch.float32).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = load_network(bundle)(normal).softmax(dim=1).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-3  # the images differ, so equality says something
    # What folding rounds differently grows in a network that was never trained.
    assert engine.predict(batch) == pytest.approx(expected, abs=1e-3)
