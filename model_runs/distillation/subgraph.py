"""A part of an OpenVINO network as PyTorch layers, with its weights, so that they can learn.

The operations that it knows are in `operations.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from model_runs.distillation.operations import function_of, layer_of


@dataclass(frozen=True)
class Step:
    """What makes the value `output` of the values `inputs`."""

    inputs: list[str]
    output: str
    layer: int | None
    """The place of the layer that does it; else `function` does."""
    function: Callable[..., Tensor] | None = None


class Subgraph(nn.Module):
    """From the value `start`, [n, c, h, w], to the value `end` of an OpenVINO network."""

    def __init__(self, start: Any, end: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self._start, self._end = _name(start), _name(end)
        self._steps: list[Step] = []
        nodes: dict[str, Any] = {}
        _collect(end, self._start, nodes)
        for node in nodes.values():
            self._add(node)

    def forward(self, x: Tensor) -> Tensor:
        """Map the one value to the other."""
        known = {self._start: x}
        for step in self._steps:
            values = [known[name] for name in step.inputs]
            if step.function is not None:
                known[step.output] = step.function(*values)
            elif step.layer is not None:
                known[step.output] = self.layers[step.layer](*values)
        return known[self._end]

    def _add(self, node: Any) -> None:
        values = _inputs_of(node)
        inputs = [_name(value) for value in values if not _is_constant(value)]
        constants = [_tensor(value) for value in values if _is_constant(value)]
        kind, output = node.get_type_name(), _name(node.output(0))
        if kind == "Add" and constants:
            self._give_bias(inputs[0], output, constants[0].flatten())
        elif layer := layer_of(kind, constants, node.get_attributes()):
            self.layers.append(layer)
            self._steps.append(Step(inputs, output, len(self.layers) - 1))
        else:
            function = function_of(kind, constants, node.get_attributes())
            self._steps.append(Step(inputs, output, None, function))

    def _give_bias(self, value: str, output: str, bias: Tensor) -> None:
        """Take the addition of a constant into the layer before it."""
        place = next(place for place, step in enumerate(self._steps) if step.output == value)
        step = self._steps[place]
        if step.layer is None:
            raise ValueError(f"{output} adds a constant to what no layer made")
        self.layers[step.layer].register_parameter("bias", nn.Parameter(bias))
        self._steps[place] = Step(step.inputs, output, step.layer)


def _collect(value: Any, start: str, nodes: dict[str, Any]) -> None:
    """Add the nodes that a value needs to `nodes`, each after its inputs, up to `start`.

    Names count what a process has read; this order is the same in each.
    """
    name = _name(value)
    if name == start or name in nodes or _is_constant(value):
        return
    for one in _inputs_of(value.get_node()):
        _collect(one, start, nodes)
    nodes[name] = value.get_node()


def _inputs_of(node: Any) -> list[Any]:
    """Return a node's inputs without the size that a `Reshape` flattens to."""
    values: list[Any] = node.input_values()
    return values[:1] if node.get_type_name() == "Reshape" else values


def _is_constant(value: Any) -> bool:
    return bool(_source(value).get_type_name() == "Constant")


def _tensor(value: Any) -> Tensor:
    return torch.tensor(_source(value).data).reshape(list(value.get_shape()))


def _source(value: Any) -> Any:
    """Return the node whose numbers a value has, in whatever shape."""
    node = value.get_node()
    while node.get_type_name() == "Reshape":
        node = node.input_value(0).get_node()
    return node


def _name(value: Any) -> str:
    return str(value.get_node().get_friendly_name())
