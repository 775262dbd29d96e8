"""The tensors in a bundle's `model.safetensors`, for torch.

Besides those of the network there may be some that only the OpenVINO graph reads from the same
file: their names begin with `openvino.`, and here they do not count.

This module imports torch.
"""

from __future__ import annotations

import safetensors.torch
from torch import Tensor

from semblante.card import GRAPH_TENSORS


def parse_weights(data: bytes) -> dict[str, Tensor]:
    """Return the network's tensors by name.

    Raises:
        SafetensorError: the bytes are no safetensors file.
    """
    tensors = safetensors.torch.load(data)
    return {name: one for name, one in tensors.items() if not name.startswith(GRAPH_TENSORS)}
