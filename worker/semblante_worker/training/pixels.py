"""Batches of pixels as the network wants them."""

from __future__ import annotations

import torch
from torch import Tensor

from semblante.card import Preprocess


def normalise(pixels: Tensor, spec: Preprocess, device: torch.device) -> Tensor:
    """Map uint8 [n, h, w] (grey) or [n, h, w, 3] to float32 [n, 3, h, w] on `device`.

    As the engine does it: times 1/255, then mean and std of each channel.
    """
    values = pixels.to(device, non_blocking=True)
    if values.dim() == 3:
        values = values.unsqueeze(-1)
    mean = torch.tensor(spec.mean, device=device)
    std = torch.tensor(spec.std, device=device)
    normal = (values.to(torch.float32) / 255 - mean) / std
    # Channels are last in memory already; only their place in the shape changes.
    return normal.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
