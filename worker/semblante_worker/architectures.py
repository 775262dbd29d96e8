"""Networks by the names that cards and recipes use, with torchvision's names of weights.

ResNet-18 and ResNet-34 are our own (`resnet.py`), so that plain labelling needs no torchvision;
the others are torchvision's, which the extra `train` brings.

This module imports torch: import it only in the process that predicts or trains.
"""

from __future__ import annotations

from typing import cast

from torch import nn

from semblante.card import Architecture
from semblante_worker.resnet import STAGES, build_resnet


def build_network(architecture: Architecture, classes: int) -> nn.Module:
    """Return a freshly initialised network in training mode.

    It maps float [n, 3, h, w] to logits, float [n, classes].

    Raises:
        Unavailable: `component_missing`, when the architecture needs torchvision and it is missing.
    """
    if architecture in STAGES:
        return build_resnet(architecture, classes)
    from semblante_worker.vision import load_torchvision

    network = load_torchvision().models.get_model(architecture, weights=None, num_classes=classes)
    return cast("nn.Module", network)
