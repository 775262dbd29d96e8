"""Take a ResNet-18's weights back from a bundle that holds them in 8-bit integers only.

    python -m model_runs.distillation.read_int8 joined.zip
        shared/semblante/models/resnet18-raf7-fast -o fast.safetensors

They are as exact as int8 is. The graph has no batch norms; new ones stand behind the convolutions,
with the statistics of some training pictures, so that training can go on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from openvino import opset13
from torch import Tensor, nn

from model_runs.distillation.pictures import SPEC, Pictures, normalise, read_pictures
from model_runs.distillation.student import build_student, save_student
from semblante.card import GRAPH
from semblante_worker.folding import normed_convolutions
from semblante_worker.resnet import ResNet

PICTURES = 1024
SEED = 0

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]


def read_layers(graph: openvino.Model) -> Iterator[Weights]:
    """Yield weights and biases of the convolutions, then of the last layer, in torch's order."""
    layers = [
        one for one in graph.get_ordered_ops() if one.get_type_name() in ("Convolution", "MatMul")
    ]
    for layer in layers:
        yield _number(layer.input_value(1)), _bias(layer)


def _bias(layer: Any) -> NDArray[np.float32]:
    node = layer
    while node.get_type_name() != "Add":
        (node,) = (user.get_node() for user in node.output(0).get_target_inputs())
    (bias,) = (value for value in node.input_values() if _is_constant(value))
    return _number(bias).reshape(-1)


def _is_constant(output: Any) -> bool:
    node = output.get_node()
    if node.get_type_name() == "Parameter":
        return False
    return all(_is_constant(value) for value in node.input_values())


def _number(output: Any) -> NDArray[np.float32]:
    """Return what a constant part of the graph comes to."""
    model = openvino.Model([opset13.result(output)], [], "constant")
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([])[0], np.float32)


def rebuild(layers: list[Weights], x: Tensor) -> ResNet:
    """Return the network for one channel, with batch norms that suit `x`, [n, 1, SIDE, SIDE]."""
    network = build_student()
    *convolutions, last = [tuple(map(torch.from_numpy, layer)) for layer in layers]
    pairs = list(normed_convolutions(network))
    hooks = []
    with torch.no_grad():
        for pair, (weights, bias) in zip(pairs, convolutions, strict=True):
            pair.convolution.weight.copy_(weights)
            hooks.append(pair.norm.register_forward_pre_hook(_suit(bias)))
        network.conv1.weight.mul_(255 * SPEC.std[0])
        network.fc.weight.copy_(last[0])
        network.fc.bias.copy_(last[1])
        network.eval()(x)
    for hook in hooks:
        hook.remove()
    return network


def _suit(bias: Tensor) -> Any:
    """Return a hook that makes a batch norm add `bias` to what it sees first, and no more."""

    def hook(norm: nn.BatchNorm2d, seen: tuple[Tensor]) -> None:
        mean, variance = seen[0].mean((0, 2, 3)), seen[0].var((0, 2, 3), unbiased=False)
        norm.load_state_dict(
            {
                "running_mean": mean,
                "running_var": variance,
                "num_batches_tracked": torch.tensor(1),
                "weight": (variance + norm.eps).sqrt(),
                "bias": bias + mean,
            }
        )

    return hook


def some_pictures(pictures: Pictures) -> Tensor:
    """Return training pictures, normalised."""
    rows = np.nonzero(~pictures.is_held_out)[0]
    return normalise(pictures.batch(np.random.default_rng(SEED).choice(rows, PICTURES, False)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    read = list(read_layers(openvino.Core().read_model(arguments.bundle / GRAPH)))
    data = some_pictures(read_pictures(arguments.dataset))
    save_student(rebuild(read, data), arguments.output)
