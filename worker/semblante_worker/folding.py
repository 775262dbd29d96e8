"""Networks rewritten into equal ones that compute less, or whose numbers are easier to share.

This module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from semblante.card import Preprocess

Network = TypeVar("Network", bound=nn.Module)

LEVEL_WITHIN = 1e-5
"""How far a batch norm's factor may be from 1 and still count as 1: half precision sees no less."""


@dataclass(frozen=True)
class NormedConvolution:
    """A convolution, the batch norm behind it, and the module that holds both by name."""

    parent: nn.Module
    convolution_name: str
    norm_name: str
    convolution: nn.Conv2d
    norm: nn.BatchNorm2d


def normed_convolutions(network: nn.Module) -> Iterator[NormedConvolution]:
    """Yield every convolution with a batch norm behind it.

    In all networks that a card may name the two are neighbours among the children of one module,
    and the batch norm is the only one that sees the convolution's output.
    """
    for parent in list(network.modules()):
        for (name, convolution), (norm_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                yield NormedConvolution(parent, name, norm_name, convolution, norm)


def fold_batch_norms(network: Network) -> Network:
    """Return a copy in evaluation mode whose convolutions do the work of their batch norms."""
    network = deepcopy(network).eval()
    for pair in normed_convolutions(network):
        folded = fuse_conv_bn_eval(pair.convolution, pair.norm)
        setattr(pair.parent, pair.convolution_name, folded)
        setattr(pair.parent, pair.norm_name, nn.Identity())
    return network


def level_batch_norms(network: Network) -> Network:
    """Return an equal copy whose batch norms multiply by 1 when they do not train.

    A batch norm multiplies by k = weight / sqrt(running_var + eps) in evaluation. Here k moves into
    the convolution, so that its weights are those of the folded network: one set of numbers serves
    both. The norm's statistics become those of the convolution's new output, and its weight
    sqrt(running_var + eps); so batches with these statistics give the same in training mode, too.
    Factors within 1e-5 of 1 stay as they are, which makes a second levelling change nothing.
    """
    network = deepcopy(network)
    with torch.no_grad():
        for pair in normed_convolutions(network):
            _level(pair.convolution, pair.norm)
    return network


def _level(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("a batch norm without running statistics")
    exact = variance.double()
    factor = norm.weight.double() / (exact + norm.eps).sqrt()
    factor[(factor - 1).abs() < LEVEL_WITHIN] = 1
    convolution.weight.mul_(factor.view(-1, 1, 1, 1))
    if convolution.bias is not None:
        convolution.bias.mul_(factor)
    mean.mul_(factor)
    exact *= factor**2
    variance.copy_(exact)
    norm.weight.copy_(torch.where(factor == 1, norm.weight.double(), (exact + norm.eps).sqrt()))


def fold_input(convolution: nn.Conv2d, spec: Preprocess) -> nn.Conv2d:
    """Return the convolution that does on `pixels - 255 mean` what this one does on its input.

    The input is (pixels / 255 - mean) / std in three channels: scale and std go into the weights,
    and where the channels of grey images are equal they are added up, so that the new one has one
    input channel. The mean cannot go into a bias: the zeros of the padding stand for it.
    """
    weights = convolution.weight.data / (255 * torch.tensor(spec.std).view(1, 3, 1, 1))
    if is_single_channel(spec):
        weights = weights.sum(dim=1, keepdim=True)
    folded = deepcopy(convolution)
    folded.in_channels = weights.shape[1]
    folded.weight = nn.Parameter(weights)
    return folded


def is_single_channel(spec: Preprocess) -> bool:
    """Whether the three channels of the network's input are one, but for their std."""
    return spec.colour == "grey" and len(set(spec.mean)) == 1


def fold_network(network: nn.Module, spec: Preprocess) -> nn.Module:
    """Return the equal network for `pixels - 255 mean`, without batch norms, to evaluate with.

    It maps float [n, 1 or 3, h, w] to logits [n, classes]; `subtracted` is what to subtract.
    """
    network = fold_batch_norms(network)
    name, first = next(
        (name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d)
    )
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, fold_input(first, spec))
    return network


def subtracted(spec: Preprocess) -> torch.Tensor:
    """Return 255 mean, float32 [1 or 3], for the input of a folded network."""
    mean = spec.mean[:1] if is_single_channel(spec) else spec.mean
    return 255 * torch.tensor(mean)
