"""What a step makes smaller: cross-entropy against soft targets, and mixed pictures."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_cross_entropy(
    logits: Tensor, targets: Tensor, smoothing: float = 0.0, weights: Tensor | None = None
) -> Tensor:
    """Return the mean cross-entropy of float [n, classes] against targets [n, classes].

    `smoothing` is the share of each target that all classes divide equally (Szegedy et al. 2016,
    section 7); `weights`, float [classes], weigh each picture by its target's classes.
    """
    smooth = targets * (1 - smoothing) + smoothing / targets.shape[1]
    losses = -(smooth * logits.float().log_softmax(dim=1)).sum(dim=1)
    if weights is not None:
        losses = losses * (targets @ weights)
    return losses.mean()


def mix(inputs: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Return each picture mixed with another of the batch, and targets alike (Zhang et al. 2018).

    One share for the batch is drawn from Beta(alpha, alpha), by torch's CPU generator.
    """
    parameter = torch.tensor(alpha)
    share = float(torch.distributions.Beta(parameter, parameter).sample())
    other = torch.randperm(len(inputs)).to(inputs.device)
    return inputs.lerp(inputs[other], 1 - share), targets.lerp(targets[other], 1 - share)
