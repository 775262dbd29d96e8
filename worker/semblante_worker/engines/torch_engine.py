"""The engine for torch: float32 on CPUs, half precision on CUDA devices.

What the network is before it runs, and what that brings on two cores at 112 px (images/s, batches
of 32, ResNet-18; the plain network 350): batch norms folded into their convolutions 358, weights
and images laid out channels last 458, the first convolution summed over the channels of grey
images 471; sums in place brought 484 to 497 in a second run. All equal the plain network to 5e-7.
Lower precision is not used on CPUs: probabilities are promised to 1e-3.

This module imports torch: see `load_engine`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from semblante.bundles import Bundle, corrupt
from semblante.card import WEIGHTS, Preprocess
from semblante.errors import Unavailable
from semblante_worker.architectures import build_network
from semblante_worker.decode import usable_cores
from semblante_worker.engines import Engine, Numbers
from semblante_worker.preprocess import Pixels
from semblante_worker.resnet import ResNet

CPU_ROWS = 32
"""Images per pass on a CPU, whatever the batch: with 64 the activations leave the cache, and 436
images/s instead of 497 were measured; with 16, 472."""

Network = TypeVar("Network", bound=nn.Module)

_CONVOLUTIONS = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"), ("0", "1"))


def load_torch_engine(bundle: Bundle, device: str, compute_threads: int) -> Engine:
    """Load a bundle; see `load_engine` for arguments and errors."""
    target = choose_device(device)
    if target.type == "cpu":
        torch.set_num_threads(compute_threads or usable_cores())
    return TorchEngine(bundle, load_network(bundle), target)


def load_network(bundle: Bundle) -> nn.Module:
    """Return the bundle's network as trained, float32 on the CPU, in evaluation mode.

    Raises:
        BundleError: `corrupt_bundle`, when the weights are damaged or do not fit the card.
        Unavailable: `component_missing`, when the architecture needs torchvision.
    """
    path = bundle.path(WEIGHTS)
    network = build_network(bundle.card.architecture, len(bundle.classes))
    try:
        network.load_state_dict(safetensors.torch.load(bundle.read(WEIGHTS)), strict=True)
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise corrupt(path, f"its weights do not fit the card: {error}") from error
    return network.eval()


def choose_device(name: str) -> torch.device:
    """Return the device called `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        Unavailable: `component_missing`, when it does not exist here.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    kind, _, number = ("cuda" if name == "auto" else name).partition(":")
    index = int(number or 0) if (number or "0").isdecimal() else -1
    if kind != "cuda" or not 0 <= index < torch.cuda.device_count():
        raise Unavailable(
            "component_missing",
            f"There is no device {name!r}: set `auto`, `cpu`, or a CUDA device that torch sees.",
        )
    return torch.device("cuda", index)


class TorchEngine(Engine):
    """A network on a CPU or a CUDA device."""

    def __init__(self, bundle: Bundle, network: nn.Module, device: torch.device) -> None:
        super().__init__(bundle)
        # Half precision on CUDA is written from torch's documentation and has not been measured.
        self._type = torch.float16 if device.type == "cuda" else torch.float32
        self._device = device
        spec = bundle.card.preprocess
        has_one_channel = spec.colour == "grey" and len(set(spec.mean)) == 1
        self._is_grey = has_one_channel and isinstance(network, ResNet)
        self._mean, self._std = self._input_statistics(spec)
        network = _fold_batch_norms(network)
        if self._is_grey and isinstance(network, ResNet):
            network.conv1 = _sum_channels(network.conv1, spec)
        self._network = _lay_channels_last(network.to(device, self._type))

    def _compute_logits(self, batch: Pixels) -> Numbers:
        rows = CPU_ROWS if self._device.type == "cpu" else len(batch)
        with torch.inference_mode():
            parts = [batch[first : first + rows] for first in range(0, len(batch), rows)]
            logits = torch.cat([self._network(self._normalise(part)) for part in parts])
            return np.asarray(logits.float().cpu().numpy())

    def _normalise(self, pixels: Pixels) -> Tensor:
        """Map uint8 [n, h, w] or [n, h, w, 3] to the network's input [n, 1 or 3, h, w]."""
        # A copy, because pixels straight from Pillow may not be written to, which torch warns of.
        values = torch.tensor(pixels).to(self._device).to(torch.float32)
        values = values.unsqueeze(-1) if values.dim() == 3 else values
        values = values.div_(255).sub(self._mean).div_(self._std)
        # Channels are last in memory already; only their place in the shape changes.
        return (
            values.to(self._type).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        )

    def _input_statistics(self, spec: Preprocess) -> tuple[Tensor, Tensor]:
        """Mean and std of the input's last axis; the std of grey is in the first convolution."""
        mean, std = (spec.mean[:1], (1.0,)) if self._is_grey else (spec.mean, spec.std)
        return torch.tensor(mean, device=self._device), torch.tensor(std, device=self._device)


def _fold_batch_norms(network: Network) -> Network:
    """Return a copy in which each convolution does the work of the batch norm behind it."""
    network = deepcopy(network)
    for parent in list(network.modules()):
        children = dict(parent.named_children())
        for convolution, norm in _CONVOLUTIONS:
            first, second = children.get(convolution), children.get(norm)
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(parent, convolution, fuse_conv_bn_eval(first, second))
                setattr(parent, norm, nn.Identity())
    return network


def _lay_channels_last(network: Network) -> Network:
    """Lay the weights out as the images come, so that no pass converts anything."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _sum_channels(convolution: nn.Conv2d, spec: Preprocess) -> nn.Conv2d:
    """Return the convolution that does on `grey - mean` what this one does on three channels.

    Equal channels can be added up in the weights, each divided by its std. The mean has to be one
    for all and to be subtracted before: the zeros of the padding stand for it.
    """
    weights = convolution.weight.data / torch.tensor(spec.std).view(1, 3, 1, 1)
    grey = nn.Conv2d(1, convolution.out_channels, 7, stride=2, padding=3)
    grey.weight.data = weights.sum(dim=1, keepdim=True)
    if convolution.bias is not None:
        grey.bias = convolution.bias
    return grey
