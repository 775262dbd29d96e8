"""One set of numbers for two engines: a graph that reads its weights from `model.safetensors`.

OpenVINO's graphs name their numbers by place and size in a file beside them, and a safetensors file
is a header with raw tensors behind it. So the graph's weights need not be stored again where they
equal a tensor; the few numbers that equal none lie behind one more tensor's name.

Sources: OpenVINO, "Intermediate Representation format"; safetensors' README, "Format".
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openvino
import openvino.opset15 as operations
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from semblante.card import GRAPH_TENSORS

CONSTANTS = f"{GRAPH_TENSORS}constants"
"""The tensor with the graph's other numbers, as 64-bit words, so that the file aligns them."""

_ALIGNMENT = 16
_LEAST_SHARED = 256
"""Numbers in the smallest weights that are looked for among the tensors."""


def share_weights(graph: openvino.Model, weights: Mapping[str, Tensor]) -> tuple[bytes, bytes]:
    """Return the graph's file, and the weights' file with what else the graph needs.

    `graph` is changed: weights that equal a tensor of `weights` in half precision become that.
    """
    halves = {one.numpy().tobytes(): n for n, one in weights.items() if one.dtype == torch.float16}
    _halve_shared(graph, set(halves))
    root, numbers = _serialise(graph)
    constants = bytearray()
    places: dict[bytes, tuple[str, int]] = {part: (name, 0) for part, name in halves.items()}
    parts = []
    for data in root.iter("data"):
        if "offset" not in data.attrib:
            continue
        first = int(data.attrib["offset"])
        part = numbers[first : first + int(data.attrib["size"])]
        if part not in places:
            places[part] = (CONSTANTS, len(constants))
            constants += part + bytes(-len(part) % _ALIGNMENT)
        parts.append((data, part))
    words = torch.frombuffer(constants, dtype=torch.int64)
    file = safetensors.torch.save({**weights, CONSTANTS: words})
    offsets = tensor_offsets(file)
    for data, part in parts:
        name, within = places[part]
        data.set("offset", str(offsets[name] + within))
    return _as_file(root), file


def separate_weights(graph: openvino.Model) -> tuple[bytes, bytes]:
    """Return the graph's file, and the file with all its numbers."""
    root, numbers = _serialise(graph)
    return _as_file(root), numbers


def tensor_offsets(file: bytes) -> dict[str, int]:
    """Return where each tensor of a safetensors file begins, in bytes from the file's beginning."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])
    return {
        name: start + int(one["data_offsets"][0])
        for name, one in header.items()
        if name != "__metadata__"
    }


def _halve_shared(graph: openvino.Model, known: set[bytes]) -> None:
    for constant in graph.get_ops():
        if constant.get_type_name() != "Constant":
            continue
        if constant.get_element_type() != openvino.Type.f32 or constant.data.size < _LEAST_SHARED:
            continue
        half: NDArray[np.float16] = constant.data.astype(np.float16)
        if half.tobytes() not in known:
            continue
        exact = operations.convert(operations.constant(half), "f32")
        for reader in constant.output(0).get_target_inputs():
            reader.replace_source_output(exact.output(0))


def _serialise(graph: openvino.Model) -> tuple[ElementTree.Element, bytes]:
    """Return the graph's elements, without notes on how it was made, and its numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "graph.xml")
        openvino.serialize(graph, path, path.with_suffix(".bin"))
        root = ElementTree.parse(path).getroot()  # noqa: S314 - OpenVINO has just written it
        numbers = path.with_suffix(".bin").read_bytes()
    for element in list(root.iter()):
        for note in element.findall("rt_info"):
            element.remove(note)
    return root, numbers


def _as_file(root: ElementTree.Element) -> bytes:
    for element in root.iter():  # no indentation
        element.text = element.text and element.text.strip()
        element.tail = None
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
