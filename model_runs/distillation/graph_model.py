"""A TensorFlow.js graph model of convolutions, read into OpenVINO.

Source: TensorFlow.js, *Graph model* (`model.json` and the weights that its manifest names). All
that is known here are the operations of Keras' MobileNet, and of a PyTorch ResNet that came through
ONNX (onnx-tf), which pads a value and turns it to channels last before a convolution, and back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13

Array = NDArray[np.float32]

VALID = "VkFMSUQ="
"""The padding VALID as the file writes it, in base64."""


def read_graph_model(
    path: Path, end: str, offset: Array, channels: Sequence[int] = (2, 1, 0)
) -> Any:
    """Return the network up to the value `end`, for RGB.

    Args:
        path: the model's .json; its weights lie beside it in one .bin, of 4 bytes each.
        end: the name of the last value, [n, c, h, w].
        offset: [3], added to what comes in, in the order of `channels`.
        channels: the places of what the file's network takes in RGB: it takes BGR, usually.

    The network takes float32 [n, 3, side, side]. ValueError is an operation that is not known.
    """
    model = json.loads(path.read_text("utf-8"))
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
    weights = _read_weights(model, path.with_suffix(".bin"))
    parameter = opset13.parameter([-1, 3, -1, -1], np.float32)
    ordered = opset13.gather(parameter, np.array(channels), np.array(1))
    first = opset13.add(ordered, offset.reshape(1, 3, 1, 1))
    return openvino.Model([_Reader(nodes, weights, first).value(end)], [parameter], path.stem)


class _Reader:
    """Makes OpenVINO's values of the file's; all are [n, c, h, w], however the file turns them."""

    def __init__(
        self, nodes: dict[str, dict[str, Any]], weights: dict[str, NDArray[Any]], first: Any
    ) -> None:
        self._nodes, self._weights, self._first = nodes, weights, first
        self._known: dict[str, Any] = {}

    def value(self, name: str) -> Any:
        """Return a value by its name, and make what it needs."""
        if name not in self._known:
            self._known[name] = self._read(self._nodes[name])
        return self._known[name]

    def _read(self, node: dict[str, Any]) -> Any:
        inputs = _inputs_of(node)
        match node["op"]:
            case "Placeholder":
                return self._first
            case "Transpose" | "Pad":  # a convolution looks for its pads
                return self.value(inputs[0])
            case "Conv2D" | "DepthwiseConv2dNative":
                return self._convolve(node, 1)
            case "Mul":  # batch norm's factors become the kernel's
                factors = self._weights[inputs[1]][:, None]
                return self._convolve(self._nodes[inputs[0]], factors)
            case "Add" | "AddV2" if inputs[1] not in self._weights:
                return opset13.add(self.value(inputs[0]), self.value(inputs[1]))
            case _:
                return _operate(node, self._weights.get(inputs[-1]), self.value(inputs[0]))

    def _convolve(self, node: dict[str, Any], factors: Array | int) -> Any:
        """Convolve by [h, w, in, out], or [h, w, groups, 1]; padded before, or as SAME."""
        name, kernel_name = _inputs_of(node)
        kernel = self._weights[kernel_name] * factors
        is_depthwise = node["op"] == "DepthwiseConv2dNative"
        kernel = (
            kernel.transpose(2, 3, 0, 1)[:, :, None]
            if is_depthwise
            else kernel.transpose(3, 2, 0, 1)
        )
        function = opset13.group_convolution if is_depthwise else opset13.convolution
        is_valid = node["attr"].get("padding", {}).get("s") == VALID
        return function(
            self.value(name),
            np.ascontiguousarray(kernel),
            _sizes(node, "strides"),
            *self._pads_before(name),
            [1, 1],
            "EXPLICIT" if is_valid else "SAME_UPPER",
        )

    def _pads_before(self, name: str) -> tuple[list[int], list[int]]:
        """Return the rows and columns that a `Pad` puts before and behind a value."""
        node = self._nodes[name]
        while node["op"] == "Transpose":
            node = self._nodes[_inputs_of(node)[0]]
        if node["op"] != "Pad":
            return [0, 0], [0, 0]
        _, _, rows, columns = self._weights[_inputs_of(node)[1]].tolist()
        return [rows[0], columns[0]], [rows[1], columns[1]]


def _read_weights(model: dict[str, Any], path: Path) -> dict[str, NDArray[Any]]:
    """Return the weights by name, float32 or int32."""
    raw, at, weights = path.read_bytes(), 0, {}
    for entry in model["weightsManifest"][0]["weights"]:
        count = math.prod(entry["shape"])
        values = np.frombuffer(raw, entry["dtype"], count, at)
        weights[entry["name"]] = values.reshape(entry["shape"])
        at += 4 * count
    return weights


def _operate(node: dict[str, Any], values: Array | None, x: Any) -> Any:
    """Return what an operation without a kernel makes of a value; some take a constant."""
    match node["op"]:
        case "Add" | "AddV2" if values is not None:
            return opset13.add(x, values.reshape(1, -1, 1, 1))
        case "Minimum" if values is not None:
            return opset13.clamp(x, 0.0, float(values))
        case "Maximum":  # the end of a ReLU6, whose minimum is clamped
            return x
        case "Relu":
            return opset13.relu(x)
        case "MaxPool":
            strides, sizes, nothing = _sizes(node, "strides"), _sizes(node, "ksize"), [0, 0]
            return opset13.max_pool(x, strides, [1, 1], nothing, nothing, sizes).output(0)
        case kind:
            raise ValueError(f"An operation of another network: {kind}")


def _inputs_of(node: dict[str, Any]) -> list[str]:
    return [name.partition(":")[0] for name in node.get("input", ())]


def _sizes(node: dict[str, Any], attribute: str) -> list[int]:
    """Return an attribute's rows and columns; the file has [n, rows, columns, channels]."""
    return [int(size) for size in node["attr"][attribute]["list"]["i"][1:3]]
