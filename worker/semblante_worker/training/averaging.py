"""An exponential moving average of a network's weights and batch norm statistics."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class AveragedNetwork:
    """A copy of a network that follows it slowly; `steps` is how often it did."""

    def __init__(self, followed: nn.Module, decay: float) -> None:
        self.network = deepcopy(followed).eval().requires_grad_(False)
        self.steps = 0
        self._decay = decay
        pairs = list(
            zip(self.network.state_dict().values(), followed.state_dict().values(), strict=True)
        )
        # The tensors of a network stay the same objects, whatever is copied into them.
        self._numbers = [(own, new) for own, new in pairs if own.is_floating_point()]
        self._counters = [(own, new) for own, new in pairs if not own.is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Go a little towards the network; more in the first steps, when little is learned."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        own = [pair[0] for pair in self._numbers]
        torch._foreach_lerp_(own, [pair[1] for pair in self._numbers], 1 - decay)
        for counter, new in self._counters:
            counter.copy_(new)
