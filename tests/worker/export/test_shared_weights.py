"""Graphs that read their numbers from `model.safetensors`, for every network and kind of input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from bundle_factory import PREPROCESS, write_files
from networks import network_of, random_pixels
from semblante.bundles import read_bundle
from semblante.card import Architecture, Preprocess
from semblante_worker.bundle_writing import round_weights
from semblante_worker.engines import load_engine
from semblante_worker.export.graph import build_graph
from semblante_worker.export.shared_weights import CONSTANTS, separate_weights, share_weights
from semblante_worker.folding import level_batch_norms

pytestmark = pytest.mark.usefixtures("one_thread")
RGB = PREPROCESS | {"colour": "rgb", "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}


@pytest.mark.parametrize(
    ("architecture", "preprocess"),
    [
        ("resnet18", PREPROCESS),
        ("resnet18", PREPROCESS | {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}),
        ("resnet18", RGB | {"crop": [24, 28]}),
        ("resnet34", PREPROCESS),
        ("resnet50", PREPROCESS),
        ("mobilenet_v2", RGB),
        ("efficientnet_b0", RGB),
    ],
    ids=["grey", "three-means", "rgb", "resnet34", "resnet50", "mobilenet", "efficientnet"],
)
def test_both_engines_compute_the_same_from_the_same_numbers(
    tmp_path: Path, architecture: Architecture, preprocess: dict[str, Any]
) -> None:
    spec = Preprocess.model_validate(preprocess)
    network = level_batch_norms(network_of(architecture, 32))
    weights = round_weights(network.state_dict())
    network.load_state_dict(weights)

    text, numbers = share_weights(build_graph(network.eval(), spec), weights)

    files = {"model.safetensors": numbers, "openvino.xml": text}
    folder = write_files(tmp_path / "b", files, architecture=architecture, preprocess=preprocess)
    bundle = read_bundle(folder, verify=True)
    pixels = random_pixels(5, *spec.shape)
    expected = load_engine(bundle, "cpu", 1, "torch").predict(pixels)
    assert np.ptp(expected, axis=0).max() > 0.01
    found = load_engine(bundle, "cpu", 1, "openvino").predict(pixels)
    assert found == pytest.approx(expected, abs=1e-4)

    tensors = safetensors.torch.load(numbers)
    constants = tensors.pop(CONSTANTS)
    assert tensors.keys() == weights.keys()
    assert all(torch.equal(tensors[name], weights[name]) for name in weights)
    assert constants.numel() * 8 < 200_000  # biases and the first convolution, no more


def test_a_graph_alone_has_all_its_numbers(tmp_path: Path) -> None:
    spec = Preprocess.model_validate(PREPROCESS)
    network = network_of("resnet18", 32)
    text, numbers = separate_weights(build_graph(network, spec))
    folder = write_files(tmp_path / "b", {"openvino.bin": numbers, "openvino.xml": text})
    weights = safetensors.torch.save(network.state_dict())
    torch_folder = write_files(tmp_path / "t", {"model.safetensors": weights})
    pixels = random_pixels(3, 32, 32)
    expected = load_engine(read_bundle(torch_folder, verify=True), "cpu", 1).predict(pixels)
    found = load_engine(read_bundle(folder, verify=True), "cpu", 1).predict(pixels)
    assert found == pytest.approx(expected, abs=1e-4)
    assert b"rt_info" not in text
