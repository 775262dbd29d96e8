"""Stages: they cover every network, and what is frozen does not change."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from semblante.card import Architecture
from semblante_worker.architectures import build_network
from semblante_worker.training.stages import (
    STAGES,
    freeze_all_but,
    head_layer,
    named_layers,
    set_dropout,
    set_training_mode,
    stage_modules,
)

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_weight_is_in_one_stage(architecture: Architecture) -> None:
    network = build_network(architecture, 7)
    stages = stage_modules(network, architecture)
    found = [id(p) for modules in stages.values() for m in modules for p in m.parameters()]
    assert sorted(found) == sorted(id(p) for p in network.parameters())
    assert tuple(stages) == STAGES
    assert head_layer(network, architecture).out_features == 7


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2", "efficientnet_b0"])
def test_a_frozen_stage_keeps_weights_and_statistics(architecture: Architecture) -> None:
    torch.manual_seed(1)
    network = build_network(architecture, 3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    freeze_all_but(network, architecture, ["stage4", "head"])
    set_training_mode(network, architecture, ["stage4", "head"])
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    network(torch.rand(4, 3, 32, 32)).square().sum().backward()
    optimizer.step()

    stages = stage_modules(network, architecture)
    trained = [
        id(value)
        for stage in ("stage4", "head")
        for module in stages[stage]
        for value in module.state_dict(keep_vars=True).values()
    ]
    for name, value in network.state_dict(keep_vars=True).items():
        if id(value) not in trained:
            assert torch.equal(value, before[name]), name
        elif value.dim() > 1:
            assert not torch.equal(value, before[name]), name


def test_dropout_acts_in_training_only_and_renames_nothing() -> None:
    network = build_network("mobilenet_v2", 3)
    names = list(network.state_dict())
    set_dropout(network, "mobilenet_v2", 0.5)
    head = head_layer(network, "mobilenet_v2")
    nn.init.ones_(head.weight)
    assert list(network.state_dict()) == names
    ones = torch.ones(1, 1280)
    head.eval()
    assert head(ones)[0, 0].item() == pytest.approx(1280 + head.bias[0].item())
    head.train()
    assert head(ones)[0, 0].item() != pytest.approx(1280 + head.bias[0].item())


def test_the_first_systems_numbers() -> None:
    network = build_network("mobilenet_v2", 3)
    freeze_all_but(network, "mobilenet_v2", ["head"])
    layers = list(named_layers(network))
    assert sum(trained for _, trained, _ in layers) == 3_843
    assert sum(frozen for _, _, frozen in layers) == 2_223_872
