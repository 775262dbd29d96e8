"""OpenVINO's operations, those that the networks of `face_networks.py` have, in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Prelu(nn.Module):
    def __init__(self, slope: Tensor) -> None:
        super().__init__()
        self.slope = nn.Parameter(slope.flatten())

    def forward(self, x: Tensor) -> Tensor:
        return functional.prelu(x, self.slope.to(x.dtype))


class _HalvingDepthwise(nn.Conv2d):
    """Takes every second value of a convolution with steps of 1, from `first` on.

    PyTorch is slow on the gradient of strided depthwise convolutions.
    """

    first = 0

    def forward(self, x: Tensor) -> Tensor:
        every = super().forward(x)[:, :, self.first :: 2, self.first :: 2]
        return every.contiguous(memory_format=torch.channels_last)


def layer_of(kind: str, constants: list[Tensor], attributes: dict[str, Any]) -> nn.Module | None:
    """Return a layer with its weights; None is an operation that has none."""
    match kind:
        case "Convolution":
            return _convolution(constants[0], 1, attributes)
        case "GroupConvolution":
            return _convolution(constants[0].flatten(0, 1), len(constants[0]), attributes)
        case "PRelu":
            return _Prelu(constants[0])
        case "MatMul":
            weight = constants[0] if attributes["transpose_b"] else constants[0].T
            linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
            linear.weight.data = weight
            return linear
        case _:
            return None


def _convolution(weight: Tensor, groups: int, attributes: dict[str, Any]) -> nn.Conv2d:
    channels, inputs, height, width = weight.shape
    padding = attributes["pads_begin"]
    if attributes["auto_pad"] == "same_upper":
        padding = height // 2, width // 2
    strides = tuple(attributes["strides"])
    is_halving = groups > 1 and strides == (2, 2)
    kind = _HalvingDepthwise if is_halving else nn.Conv2d
    layer = kind(
        inputs * groups,
        channels,
        (height, width),
        (1, 1) if is_halving else strides,
        tuple(padding),
        groups=groups,
        bias=False,
    )
    layer.weight.data = weight
    if isinstance(layer, _HalvingDepthwise) and attributes["auto_pad"] == "same_upper":
        layer.first = 1  # of an even number of values, nothing lies before the first
    return layer


def function_of(
    kind: str, constants: list[Tensor], attributes: dict[str, Any]
) -> Callable[..., Tensor]:
    """Return what does an operation without weights; raise ValueError for one not known here."""
    match kind:
        case "Relu":
            return functional.relu
        case "Add":
            return torch.add
        case "Clamp":
            return partial(
                functional.hardtanh, min_val=attributes["min"], max_val=attributes["max"]
            )
        case "Multiply":
            return partial(torch.mul, other=float(constants[0]))
        case "Reshape":
            return partial(torch.flatten, start_dim=1)
        case "Concat":
            return lambda *values: torch.cat(values, 1)
        case "MaxPool":
            kernel, strides = attributes["kernel"], attributes["strides"]
            return partial(functional.max_pool2d, kernel_size=kernel, stride=strides)
        case other:
            raise ValueError(f"An operation of another network: {other}")
