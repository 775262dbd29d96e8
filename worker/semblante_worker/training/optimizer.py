"""The optimizer of a phase: one group of weights per stage and kind, each with its rate."""

from __future__ import annotations

from torch import nn, optim

from semblante.card import Architecture
from semblante_worker.training.recipe import Phase
from semblante_worker.training.stages import stage_modules

MOMENTUM = 0.9


def build_optimizer(
    network: nn.Module, architecture: Architecture, phase: Phase
) -> optim.Optimizer:
    """Return a fresh optimizer of the stages that `phase` trains.

    Each group has `highest_rate`, which the schedule multiplies. Weight decay is for tensors of
    more than one dimension only.
    """
    groups = []
    for stage, modules in stage_modules(network, architecture).items():
        rate = phase.learning_rates.get(stage)
        if rate is None:
            continue
        own = [parameter for module in modules for parameter in module.parameters()]
        for is_weight in (True, False):
            chosen = [parameter for parameter in own if (parameter.dim() > 1) == is_weight]
            if chosen:
                decay = phase.weight_decay if is_weight else 0.0
                group = {"params": chosen, "lr": rate, "weight_decay": decay, "highest_rate": rate}
                groups.append(group)
    if phase.optimizer == "adam":
        return optim.Adam(groups)
    if phase.optimizer == "adamw":
        return optim.AdamW(groups)
    return optim.SGD(groups, momentum=MOMENTUM, nesterov=True)


def set_rates(optimizer: optim.Optimizer, factor: float) -> None:
    """Multiply the highest rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = group["highest_rate"] * factor
