"""An exponential moving average of a network's weights and batch norm statistics."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class AveragedNetwork:
    """A copy of a network that follows it slowly; `steps` is how often it did."""

    def __init__(self, network: nn.Module, decay: float, steps: int = 0) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.steps = steps
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Go a little towards `network`: less in the first steps, which are far from its end."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        new = network.state_dict()
        for name, own in self.network.state_dict().items():
            if own.is_floating_point():
                own.lerp_(new[name], 1 - decay)
            else:
                own.copy_(new[name])
