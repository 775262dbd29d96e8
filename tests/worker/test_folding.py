"""Rewritten networks equal the ones they were made from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from semblante.card import Architecture
from semblante_worker.architectures import build_network
from semblante_worker.folding import fold_batch_norms, level_batch_norms, normed_convolutions

ARCHITECTURES: tuple[Architecture, ...] = (
    "resnet18",
    "resnet34",
    "resnet50",
    "mobilenet_v2",
    "efficientnet_b0",
)


def odd_network(architecture: Architecture) -> nn.Module:
    """A network whose batch norms have factors of both signs, of 0 and next to 0."""
    torch.manual_seed(5)
    network = build_network(architecture, 3)
    for pair in normed_convolutions(network):
        assert pair.norm.running_mean is not None
        assert pair.norm.running_var is not None
        pair.norm.running_mean.normal_(std=0.1)
        pair.norm.running_var.uniform_(0.5, 1.5)
        pair.norm.weight.data.uniform_(0.5, 1.2)
        pair.norm.weight.data[:4] = torch.tensor([-1.0, 0.0, 1e-4, -1e-6])
        pair.norm.bias.data.normal_(std=0.1)
    return network


def factors(network: nn.Module) -> torch.Tensor:
    return torch.cat(
        [
            pair.norm.weight / (pair.norm.running_var + pair.norm.eps).sqrt()
            for pair in normed_convolutions(network)
            if pair.norm.running_var is not None
        ]
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_batch_norm_is_found(architecture: Architecture) -> None:
    network = build_network(architecture, 3)
    norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    assert len(list(normed_convolutions(network))) == len(norms) > 10


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_level_and_folded_networks_equal_the_plain_one(architecture: Architecture) -> None:
    network = odd_network(architecture).eval()
    images = torch.rand(4, 3, 64, 64)
    with torch.inference_mode():
        expected = network(images)
        scale = float(expected.abs().max())
        level = level_batch_norms(network)
        assert level(images).numpy() == pytest.approx(expected.numpy(), abs=1e-4 * scale)
        folded = fold_batch_norms(network)(images)
        assert folded.numpy() == pytest.approx(expected.numpy(), abs=1e-4 * scale)
    assert factors(network).min() < 0
    assert factors(level).detach().numpy() == pytest.approx(1, abs=1e-5)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in fold_batch_norms(network).modules())


def test_a_level_network_trains_like_the_plain_one() -> None:
    torch.manual_seed(6)
    network = odd_network("resnet18")
    images = torch.rand(8, 3, 64, 64)
    for pair in normed_convolutions(network):
        pair.norm.momentum = 1.0
    with torch.no_grad():
        network(images)  # so that the statistics are those of the batch
        expected = network(images)
        assert level_batch_norms(network)(images).numpy() == pytest.approx(
            expected.numpy(), abs=0.02 * float(expected.std())
        )


def test_levelling_a_level_network_changes_nothing() -> None:
    level = level_batch_norms(odd_network("resnet18"))
    again = level_batch_norms(level).state_dict()
    for name, tensor in level.state_dict().items():
        assert torch.equal(again[name], tensor), name
