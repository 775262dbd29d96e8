"""Networks for tests whose answers differ from picture to picture without any training."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from semblante.card import Architecture
from semblante_worker.architectures import build_network
from semblante_worker.preprocess import Pixels


def network_of(architecture: Architecture, size: int) -> nn.Module:
    """A network whose batch norms know noise and whose logits differ: else nothing passes them."""
    torch.manual_seed(3)
    network = build_network(architecture, 3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    noise = (torch.rand(16, 3, size, size) - 0.5) * 4
    with torch.no_grad():
        network(noise)
        logits = network.eval()(noise)
        [*_, head] = (module for module in network.modules() if isinstance(module, nn.Linear))
        head.weight.div_(logits.std(dim=0).unsqueeze(1))
        head.bias.sub_(logits.mean(dim=0)).div_(logits.std(dim=0))
    return network


def random_pixels(count: int, *shape: int) -> Pixels:
    """Return noise, uint8 [count, *shape]."""
    return np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8)
