"""The stages of each architecture: which layers a recipe's `stem`, `stage1` ... `head` mean.

A frozen stage does not change at all: its weights have no gradients, and it stays in evaluation
mode, so that its batch norms keep their statistics, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import get_args

from torch import nn

from semblante.card import Architecture
from semblante_worker.training.recipe import Stage

STAGES: tuple[Stage, ...] = get_args(Stage)

_RESNET: dict[Stage, tuple[str, ...]] = {
    "stem": ("conv1", "bn1"),
    "stage1": ("layer1",),
    "stage2": ("layer2",),
    "stage3": ("layer3",),
    "stage4": ("layer4",),
    "head": ("fc",),
}


def _features(*ends: int) -> dict[Stage, tuple[str, ...]]:
    """Stages of a network whose blocks lie in `features`: each ends before its number."""
    starts = (0, *ends[:-1])
    layers = {
        stage: tuple(f"features.{block}" for block in range(start, end))
        for stage, start, end in zip(STAGES, starts, ends, strict=False)
    }
    return {**layers, "head": ("classifier",)}


_LAYERS: dict[Architecture, dict[Stage, tuple[str, ...]]] = {
    "resnet18": _RESNET,
    "resnet34": _RESNET,
    "resnet50": _RESNET,
    "mobilenet_v2": _features(1, 4, 7, 14, 19),
    "efficientnet_b0": _features(1, 3, 4, 6, 9),
}
"""A stage begins where the picture becomes smaller, but where that leaves tiny ones."""


def stage_modules(network: nn.Module, architecture: Architecture) -> dict[Stage, list[nn.Module]]:
    """Return the layers of each stage, in the order of the stages."""
    return {
        stage: [network.get_submodule(name) for name in names]
        for stage, names in _LAYERS[architecture].items()
    }


def freeze_all_but(
    network: nn.Module, architecture: Architecture, trained: Collection[Stage]
) -> None:
    """Let gradients flow into the `trained` stages only."""
    for stage, modules in stage_modules(network, architecture).items():
        for module in modules:
            module.requires_grad_(stage in trained)


def set_training_mode(
    network: nn.Module, architecture: Architecture, trained: Collection[Stage]
) -> None:
    """Put the network in training mode, and all stages but the `trained` in evaluation mode."""
    network.train()
    for stage, modules in stage_modules(network, architecture).items():
        for module in modules:
            module.train(stage in trained)


def head_layer(network: nn.Module, architecture: Architecture) -> nn.Linear:
    """Return the layer that gives the logits."""
    modules = stage_modules(network, architecture)["head"]
    layers = [m for module in modules for m in module.modules() if isinstance(m, nn.Linear)]
    return layers[-1]


def set_dropout(network: nn.Module, architecture: Architecture, probability: float) -> None:
    """Leave features before the head out with this probability while the head is trained.

    Layers that the architecture has for this do nothing then; the names of weights stay the same.
    """
    for module in stage_modules(network, architecture)["head"]:
        for layer in module.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    if probability > 0:
        head_layer(network, architecture).register_forward_pre_hook(
            lambda layer, inputs: (
                nn.functional.dropout(inputs[0], probability, training=layer.training),
            )
        )


def named_layers(network: nn.Module) -> Iterator[tuple[str, int, int]]:
    """Yield each layer that has weights of its own: name, trained and frozen numbers."""
    for name, module in network.named_modules():
        own = list(module.parameters(recurse=False))
        if own:
            trained = sum(p.numel() for p in own if p.requires_grad)
            yield name, trained, sum(p.numel() for p in own) - trained
