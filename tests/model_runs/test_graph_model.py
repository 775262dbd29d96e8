"""A TensorFlow.js graph model says in OpenVINO, and its end in PyTorch, what its file means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from model_runs.distillation.graph_model import read_graph_model
from model_runs.distillation.subgraph import Subgraph

GENERATOR = np.random.default_rng(2)
SIDE = 12
OFFSET = np.array([10, 20, 30], np.float32)
WEIGHTS: dict[str, NDArray[np.float32]] = {
    "first/kernel": GENERATOR.normal(0, 0.3, (3, 3, 3, 4)).astype(np.float32),
    "first/bias": GENERATOR.normal(0, 0.3, 4).astype(np.float32),
    "deep/kernel": GENERATOR.normal(0, 0.3, (3, 3, 4, 1)).astype(np.float32),
    "deep/factors": GENERATOR.normal(1, 0.1, 4).astype(np.float32),
    "deep/bias": GENERATOR.normal(0, 0.3, 4).astype(np.float32),
    "six": np.array(6, np.float32),
    "zero": np.array(0, np.float32),
}


def node(name: str, kind: str, *inputs: str, stride: int | None = None) -> dict[str, Any]:
    attributes = {"strides": {"list": {"i": ["1", str(stride), str(stride), "1"]}}}
    return {"name": name, "op": kind, "input": list(inputs), "attr": attributes if stride else {}}


def relu6(name: str, value: str) -> list[dict[str, Any]]:
    return [
        node(f"{name}/relu", "Relu", value),
        node(f"{name}/minimum", "Minimum", f"{name}/relu", "six"),
        node(name, "Maximum", f"{name}/minimum", "zero"),
    ]


NODES = [
    *(node(name, "Const") for name in WEIGHTS),
    node("input", "Placeholder"),
    node("first", "Conv2D", "input", "first/kernel", stride=1),
    node("first/add", "Add", "first", "first/bias"),
    *relu6("middle", "first/add"),
    node("deep", "DepthwiseConv2dNative", "middle", "deep/kernel", stride=2),
    node("deep/mul", "Mul", "deep", "deep/factors"),
    node("deep/add", "Add", "deep/mul", "deep/bias"),
    *relu6("last", "deep/add"),
]


def write(
    folder: Path,
    nodes: list[dict[str, Any]] = NODES,
    weights: dict[str, NDArray[Any]] = WEIGHTS,
) -> Path:
    entries = [
        {"name": name, "shape": list(values.shape), "dtype": str(values.dtype)}
        for name, values in weights.items()
    ]
    model = {"modelTopology": {"node": nodes}, "weightsManifest": [{"weights": entries}]}
    path = folder / "model.json"
    path.write_text(json.dumps(model), "utf-8")
    path.with_suffix(".bin").write_bytes(b"".join(values.tobytes() for values in weights.values()))
    return path


def expected(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Return `middle` and `last` as TensorFlow defines them: SAME puts the odd zero at the end."""
    kernels = {name: torch.tensor(values) for name, values in WEIGHTS.items()}
    x = rgb.flip(1) + torch.tensor(OFFSET)[:, None, None]
    first = kernels["first/kernel"].permute(3, 2, 0, 1)
    middle = functional.conv2d(x, first, kernels["first/bias"], padding=1).clamp(0, 6)
    deep = kernels["deep/kernel"].permute(2, 3, 0, 1)
    found = functional.conv2d(functional.pad(middle, (0, 1, 0, 1)), deep, stride=2, groups=4)
    scaled = found * kernels["deep/factors"][:, None, None]
    return middle, (scaled + kernels["deep/bias"][:, None, None]).clamp(0, 6)


def run(network: Any, pixels: Tensor) -> Tensor:
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return torch.tensor(compiled(pixels.numpy())[0])


def test_it_says_what_tensorflow_would(tmp_path: Path) -> None:
    network = read_graph_model(write(tmp_path), "last", OFFSET)
    pixels = torch.randn(2, 3, SIDE, SIDE) * 20
    assert torch.allclose(run(network, pixels), expected(pixels)[1], atol=1e-4)


def test_its_tail_says_the_same_in_pytorch(tmp_path: Path) -> None:
    network = read_graph_model(write(tmp_path), "last", OFFSET)
    network.reshape([-1, 3, SIDE, SIDE])
    middle, last = (one for one in network.get_ordered_ops() if one.get_type_name() == "Clamp")
    features, said = expected(torch.randn(2, 3, SIDE, SIDE) * 20)
    assert torch.allclose(Subgraph(middle.output(0), last.output(0))(features), said, atol=1e-4)


def test_an_operation_that_it_does_not_know_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, [*NODES, node("other", "Softmax", "last")])
    with pytest.raises(ValueError, match="Softmax"):
        read_graph_model(path, "other", OFFSET)


def padded(name: str, value: str, kernel: str, stride: int) -> list[dict[str, Any]]:
    """Return a convolution as onnx-tf writes it: padded before, channels last for its own time."""
    convolution = node(f"{name}/convolution", "Conv2D", f"{name}/last", kernel, stride=stride)
    convolution["attr"]["padding"] = {"s": "VkFMSUQ="}
    return [
        node(f"{name}/pad", "Pad", value, "pads"),
        node(f"{name}/last", "Transpose", f"{name}/pad", "order"),
        convolution,
        node(f"{name}/add", "AddV2", f"{name}/convolution", f"{name}/bias"),
        node(name, "Transpose", f"{name}/add", "order"),
    ]


def test_a_residual_network_that_went_through_onnx_says_the_same(tmp_path: Path) -> None:
    weights: dict[str, NDArray[Any]] = {
        "pads": np.array([[0, 0], [0, 0], [1, 1], [1, 1]], np.int32),
        "order": np.array([0, 2, 3, 1], np.int32),
        "first/kernel": WEIGHTS["first/kernel"],
        "first/bias": WEIGHTS["first/bias"],
        "second/kernel": GENERATOR.normal(0, 0.3, (3, 3, 4, 4)).astype(np.float32),
        "second/bias": GENERATOR.normal(0, 0.3, 4).astype(np.float32),
    }
    pool = node("pool", "MaxPool", "first", stride=2)
    pool["attr"]["ksize"] = pool["attr"]["strides"]
    nodes = [
        *(node(name, "Const") for name in weights),
        node("input", "Placeholder"),
        *padded("first", "input", "first/kernel", stride=2),
        pool,
        *padded("second", "pool", "second/kernel", stride=1),
        node("sum", "AddV2", "second", "pool"),
        node("relu", "Relu", "sum"),
    ]
    nothing = np.zeros(3, np.float32)
    network = read_graph_model(write(tmp_path, nodes, weights), "relu", nothing, channels=(0, 1, 2))
    pixels = torch.randn(2, 3, SIDE, SIDE)
    kernels = {name: torch.tensor(values) for name, values in weights.items()}

    def convolve(x: Tensor, name: str, stride: int) -> Tensor:
        kernel = kernels[f"{name}/kernel"].permute(3, 2, 0, 1)
        return functional.conv2d(x, kernel, kernels[f"{name}/bias"], stride, padding=1)

    pooled = functional.max_pool2d(convolve(pixels, "first", 2), 2)
    assert torch.allclose(
        run(network, pixels), (convolve(pooled, "second", 1) + pooled).relu(), atol=1e-4
    )
