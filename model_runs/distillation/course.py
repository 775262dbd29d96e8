"""The course of a network that learns: optimizer, falling rates, running mean of the weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from semblante_worker.training.averaging import AveragedNetwork


class Course:
    """Takes `steps` steps; `mean` is what the network was on the average, lately."""

    def __init__(
        self,
        network: nn.Module,
        groups: list[dict[str, Any]],
        steps: int,
        *,
        warmup: float,
        decay: float,
    ) -> None:
        self.mean = AveragedNetwork(network, decay)
        self._network = network
        self._optimizer = torch.optim.AdamW(groups, weight_decay=0.05, fused=True)
        self._rates = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: share_of_rate(step / steps, warmup)
        )

    def take_step(self, loss: Tensor) -> None:
        """Go down the gradient of `loss`; that of the network is cut to a norm of 5."""
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), 5.0)
        self._optimizer.step()
        self._rates.step()
        self.mean.update()


def share_of_rate(done: float, warmup: float) -> float:
    """The share of a learning rate after that share of a course: a rise, then half a cosine."""
    if done < warmup:
        return done / warmup
    return 0.002 + 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))
