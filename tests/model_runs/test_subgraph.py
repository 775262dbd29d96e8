"""A part of an OpenVINO network says in PyTorch what it said before, and can learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import pytest
import torch
from openvino import opset13
from torch import Tensor

from model_runs.distillation.subgraph import Subgraph

NUMBERS = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return NUMBERS.normal(0, 0.3, shape).astype(np.float32)


def add_bias(value: Any) -> Any:
    """Biases come in other shapes than they have in the file."""
    bias = opset13.reshape(opset13.constant(numbers(8)), np.array([1, 8, 1, 1]), special_zero=False)
    return opset13.add(value, bias)


def halve_each_channel(value: Any) -> Any:
    weight = numbers(8, 1, 1, 3, 3)
    return opset13.group_convolution(value, weight, [2, 2], [1, 1], [1, 1], [1, 1])


def network() -> tuple[Any, Any, Any]:
    """A trunk of one operation; a tail with every one of the face networks."""
    first = opset13.parameter([-1, 8, 17, 17], np.float32)
    trunk = opset13.relu(first)
    wide = opset13.convolution(
        trunk, numbers(8, 8, 1, 7), [1, 1], [0, 0], [0, 0], [1, 1], "same_upper"
    )
    shortcut = opset13.add(trunk, opset13.multiply(add_bias(wide), np.float32(0.17)))
    halved = opset13.prelu(halve_each_channel(shortcut), numbers(8))
    pooled = opset13.max_pool(shortcut, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3])
    small = opset13.max_pool(halved, [1, 1], [1, 1], [0, 0], [0, 0], [2, 2])
    both = opset13.concat([small.output(0), pooled.output(0)], 1)
    flat = opset13.reshape(both, np.array([0, -1]), special_zero=True)
    last = opset13.add(opset13.matmul(flat, numbers(5, 16 * 8 * 8), False, True), numbers(5))
    return openvino.Model([last], [first], "network"), trunk.output(0), last.output(0)


def run(model: Any, cut: Any, end: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    both = openvino.Model([cut, end], model.get_parameters(), "both")
    compiled = openvino.Core().compile_model(both, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answer = compiled(pixels.numpy())
    return torch.tensor(answer[0]), torch.tensor(answer[1])


def test_a_part_of_a_network_says_the_same_in_pytorch() -> None:
    model, cut, end = network()
    features, said = run(model, cut, end, torch.randn(4, 8, 17, 17))
    part = Subgraph(cut, end)
    assert torch.allclose(part(features), said, atol=1e-4)


def test_all_of_its_weights_learn() -> None:
    _, cut, end = network()
    part = Subgraph(cut, end)
    part(torch.randn(2, 8, 17, 17)).square().sum().backward()
    gradients = {name: weight.grad for name, weight in part.named_parameters()}
    assert len(gradients) == 6
    assert all(grad is not None and grad.abs().sum() > 0 for grad in gradients.values())


def test_an_operation_that_it_does_not_know_is_named() -> None:
    first = opset13.parameter([-1, 3, 4, 4], np.float32)
    last = opset13.softmax(first, 1)
    with pytest.raises(ValueError, match="Softmax"):
        Subgraph(first.output(0), last.output(0))
