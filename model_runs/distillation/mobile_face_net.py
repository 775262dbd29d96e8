"""InsightFace's MobileFaceNet: a frozen trunk in OpenVINO and a tail that learns, in PyTorch.

The file is `w600k_mbf.onnx` (MobileFaceNet of WebFace600K, grouped convolutions with batch norm
folded in; inputs 112x112, (value - 127.5) / 127.5). InsightFace publishes its models for
non-commercial research only. It is no part of this project: README.md says where it comes from.

Source: S. Chen, Y. Liu, X. Gao, Z. Han, *MobileFaceNets: Efficient CNNs for Accurate Real-Time Face
Verification on Mobile Devices*, 2018; J. Deng et al., *ArcFace*, CVPR 2019.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from model_runs.distillation.pictures import CLASSES, SIDE
from model_runs.distillation.transformations import warp

SHA256 = "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f"
"""Of the file in InsightFace's `buffalo_s` and `buffalo_sc`."""

CUT = "405"
"""The tensor between trunk and tail, [n, 256, 14, 14]: after 19 of the 49 convolutions."""

EMBEDDING = 512
LOWER = 0.08
"""RAF-DB's faces sit higher than InsightFace's: this share of the side brings them down."""


def check_file(path: Path) -> None:
    """End the program if the file is another one than InsightFace's."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{path} is not InsightFace's w600k_mbf.onnx: its sha256 is {found}.")


class Trunk:
    """The first layers, which stay as they are."""

    def __init__(self, path: Path) -> None:
        check_file(path)
        with tempfile.TemporaryDirectory() as folder:
            cut = Path(folder, "trunk.onnx")
            onnx.utils.extract_model(str(path), str(cut), [_input_of(path)], [CUT])
            self._compiled = compile_network(openvino.Core().read_model(cut), (3, SIDE, SIDE))

    def __call__(self, x: Tensor) -> Tensor:
        """Map float32 [n, 1, SIDE, SIDE] of 0 to 255 to [n, 256, 14, 14]."""
        pixels = ((x - 127.5) / 127.5).expand(-1, 3, -1, -1).numpy()
        features = torch.from_numpy(self._compiled(pixels)[0])
        return features.contiguous(memory_format=torch.channels_last)


class Tail(nn.Module):
    """The rest, and a new head of seven classes on the embedding."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        values = {i.name: torch.tensor(numpy_helper.to_array(i)) for i in graph.initializer}
        names = [node.output[0] for node in graph.node]
        self.layers = nn.ModuleList()
        self._steps: list[tuple[int | None, list[str], str]] = []
        for node in list(graph.node)[names.index(CUT) + 1 :]:
            if node.op_type == "BatchNormalization":
                break  # of the embedding: the new head has its own
            layer = _layer_of(node, values)
            inputs = [name for name in node.input if name not in values]
            self._steps.append(
                (None if layer is None else len(self.layers), inputs, node.output[0])
            )
            if layer is not None:
                self.layers.append(layer)
        self.norm = nn.BatchNorm1d(EMBEDDING)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(EMBEDDING, CLASSES))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map the trunk's features to logits [n, CLASSES] and the embedding [n, EMBEDDING]."""
        known = {CUT: x}
        for layer, inputs, output in self._steps:
            values = [known[name] for name in inputs]
            known[output] = values[0] + values[1] if layer is None else self.layers[layer](*values)
        embedding = self.norm(known[output].float())
        return self.head(embedding), embedding


def lower(x: Tensor) -> Tensor:
    """Move faces to where the network expects them."""
    matrix = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, -2 * LOWER]])
    return warp(x, matrix.expand(len(x), -1, -1), "zeros")


def compile_network(network: Any, shape: tuple[int, ...]) -> Any:
    """Compile an OpenVINO network of one input, [n, *shape], for two cores."""
    network.reshape([-1, *shape])
    options = {"INFERENCE_PRECISION_HINT": "bf16", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "2"}
    return openvino.Core().compile_model(network, "CPU", options)


class _Prelu(nn.Module):
    def __init__(self, slope: Tensor) -> None:
        super().__init__()
        self.slope = nn.Parameter(slope.reshape(-1))

    def forward(self, x: Tensor) -> Tensor:
        return functional.prelu(x, self.slope.to(x.dtype))


class _EverySecond(nn.Module):
    """Half of both sides: PyTorch is slow on the gradient of strided depthwise convolutions."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, ::2, ::2].contiguous(memory_format=torch.channels_last)


def _input_of(path: Path) -> str:
    return str(onnx.load(path).graph.input[0].name)


def _layer_of(node: Any, values: dict[str, Tensor]) -> nn.Module | None:
    """Return a node's layer with its weights; None is the sum of a shortcut."""
    weights = [values[name] for name in node.input if name in values]
    match node.op_type:
        case "Add":
            return None
        case "PRelu":
            return _Prelu(weights[0])
        case "Flatten":
            return nn.Flatten()
        case "Gemm":
            linear = nn.Linear(weights[0].shape[1], weights[0].shape[0])
            linear.weight.data, linear.bias.data = weights
            return linear
        case "Conv":
            options = {
                option.name: onnx.helper.get_attribute_value(option) for option in node.attribute
            }
            groups, padding = options["group"], options["pads"][0]
            channels, inputs, *kernel = weights[0].shape
            convolution = nn.Conv2d(
                inputs * groups, channels, (kernel[0], kernel[1]), padding=padding, groups=groups
            )
            convolution.weight.data, convolution.bias = weights[0], nn.Parameter(weights[1])
            strided = np.prod(options["strides"]) > 1
            return nn.Sequential(convolution, _EverySecond()) if strided else convolution
        case other:
            raise ValueError(f"An operation of another network: {other}")
