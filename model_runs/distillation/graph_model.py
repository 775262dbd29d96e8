"""A TensorFlow.js graph model of convolutions, read into OpenVINO.

Source: TensorFlow.js, *Graph model* (`model.json` and the weights that its manifest names); Keras'
MobileNet, whose operations are all that is known here.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13

Array = NDArray[np.float32]


def read_graph_model(path: Path, end: str, offset: Array) -> Any:
    """Return the network up to the value `end`, for RGB instead of BGR.

    Args:
        path: the model's .json; its weights lie beside it in one .bin, as float32.
        end: the name of the last value, [n, c, h, w].
        offset: [3], added to what comes in, in BGR's order.

    The network takes float32 [n, 3, side, side]. ValueError is an operation that is not known.
    """
    model = json.loads(path.read_text("utf-8"))
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
    weights = _read_weights(model, path.with_suffix(".bin"))
    parameter = opset13.parameter([-1, 3, -1, -1], np.float32)
    bgr = opset13.gather(parameter, np.array([2, 1, 0]), np.array(1))
    known: dict[str, Any] = {}

    def value_of(name: str) -> Any:
        if name not in known:
            known[name] = read(nodes[name])
        return known[name]

    def read(node: dict[str, Any]) -> Any:
        if node["op"] == "Placeholder":
            return opset13.add(bgr, offset.reshape(1, 3, 1, 1))
        inputs = [name.partition(":")[0] for name in node["input"]]
        if node["op"] == "Mul":  # batch norm's factors become the kernel's
            before = nodes[inputs[0]]
            kernel, x = weights[before["input"][1]], value_of(before["input"][0])
            return _convolve(before, kernel * weights[inputs[1]][:, None], x)
        values = weights[inputs[1]] if len(inputs) > 1 else np.empty(0, np.float32)
        return _operate(node, values, value_of(inputs[0]))

    return openvino.Model([value_of(end)], [parameter], path.stem)


def _read_weights(model: dict[str, Any], path: Path) -> dict[str, Array]:
    """Return the float32 weights by name; the others are only read over."""
    raw, at, weights = path.read_bytes(), 0, {}
    for entry in model["weightsManifest"][0]["weights"]:
        count = math.prod(entry["shape"])
        if entry["dtype"] == "float32":
            values = np.frombuffer(raw, np.float32, count, at)
            weights[entry["name"]] = values.reshape(entry["shape"])
        at += 4 * count
    return weights


def _operate(node: dict[str, Any], values: Array, x: Any) -> Any:
    """Return a node's value; what comes before and after the minimum of a ReLU6 is a part of it."""
    match node["op"]:
        case "Conv2D" | "DepthwiseConv2dNative":
            return _convolve(node, values, x)
        case "Add":
            return opset13.add(x, values.reshape(1, -1, 1, 1))
        case "Minimum":
            return opset13.clamp(x, 0.0, float(values))
        case "Relu" | "Maximum":
            return x
        case kind:
            raise ValueError(f"An operation of another network: {kind}")


def _convolve(node: dict[str, Any], kernel: Array, x: Any) -> Any:
    """Convolve by [h, w, in, out], or [h, w, groups, 1]; padded as TensorFlow's SAME."""
    is_depthwise = node["op"] == "DepthwiseConv2dNative"
    kernel = (
        kernel.transpose(2, 3, 0, 1)[:, :, None] if is_depthwise else kernel.transpose(3, 2, 0, 1)
    )
    function = opset13.group_convolution if is_depthwise else opset13.convolution
    strides = [int(stride) for stride in node["attr"]["strides"]["list"]["i"][1:3]]
    nothing = [0, 0]
    return function(
        x, np.ascontiguousarray(kernel), strides, nothing, nothing, [1, 1], "SAME_UPPER"
    )
