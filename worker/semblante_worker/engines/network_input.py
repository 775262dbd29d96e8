"""What PyTorch's engines share: pixels as the network wants them, weights laid out alike.

This module imports torch: see `load_engine`.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def normalise(pixels: Tensor, subtracted: Tensor, kind: torch.dtype) -> Tensor:
    """Map uint8 [n, h, w] or [n, h, w, 3] to the network's input, `kind` [n, 1 or 3, h, w].

    `subtracted` is that of `fold_network`'s network.
    """
    values = pixels.to(torch.float32)
    values = values.unsqueeze(-1) if values.dim() == 3 else values
    values = values.sub(subtracted)
    # Channels are last in memory already; only their place in the shape changes.
    return values.to(kind).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def lay_channels_last(network: Network) -> Network:
    """Lay the weights out as the images come, so that no pass converts anything."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
