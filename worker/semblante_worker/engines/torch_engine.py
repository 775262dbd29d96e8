"""PyTorch's engines; this is the one for CPUs, in float32.

What the network is before it runs, and what that brings on two cores at 112 px (images/s, batches
of 32, ResNet-18; the plain network 350): batch norms folded into their convolutions 358, weights
and images laid out channels last 458, the first convolution summed over the channels of grey
images 471; sums in place brought 484 to 497 in a second run. All equal the plain network to 5e-7.
Lower precision is not used on CPUs: probabilities are promised to 1e-3.

This module imports torch: see `load_engine`.
"""

from __future__ import annotations

import numpy as np
import safetensors
import torch
from torch import Tensor, nn

from semblante.bundles import Bundle, corrupt
from semblante.card import WEIGHTS
from semblante.errors import Unavailable
from semblante.message import Message
from semblante_worker.architectures import build_network
from semblante_worker.decode import usable_cores
from semblante_worker.engines import Engine, Numbers
from semblante_worker.engines.cuda_engine import CudaEngine
from semblante_worker.engines.network_input import lay_channels_last, normalise
from semblante_worker.folding import fold_network, subtracted
from semblante_worker.preprocess import Pixels
from semblante_worker.weights import parse_weights

CPU_ROWS = 32
"""Images per pass on a CPU, whatever the batch: with 64 the activations leave the cache, and 436
images/s instead of 497 were measured; with 16, 472."""


def load_torch_engine(bundle: Bundle, device: str, compute_threads: int) -> Engine:
    """Load a bundle; see `load_engine` for arguments and errors."""
    target = choose_device(device)
    if target.type == "cuda":
        return CudaEngine(bundle, load_network(bundle), target)
    torch.set_num_threads(compute_threads or usable_cores())
    return TorchEngine(bundle, load_network(bundle))


def load_network(bundle: Bundle) -> nn.Module:
    """Return the bundle's network as trained, float32 on the CPU, in evaluation mode.

    Raises:
        BundleError: `corrupt_bundle`, when the weights are damaged or do not fit the card.
        Unavailable: `component_missing`, when the architecture needs torchvision.
    """
    path = bundle.path(WEIGHTS)
    network = build_network(bundle.card.architecture, len(bundle.classes))
    try:
        network.load_state_dict(parse_weights(bundle.read(WEIGHTS)), strict=True)
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise corrupt(
            path, Message("its weights do not fit the card: %(reason)s", reason=error)
        ) from error
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
            "There is no device %(name)r: set `auto`, `cpu`, or a CUDA device that torch sees.",
            name=name,
        )
    return torch.device("cuda", index)


class TorchEngine(Engine):
    """A network on a CPU."""

    def __init__(self, bundle: Bundle, network: nn.Module) -> None:
        super().__init__(bundle)
        spec = bundle.card.preprocess
        self._subtracted = subtracted(spec)
        self._network = lay_channels_last(fold_network(network, spec))

    def _compute_logits(self, batch: Pixels) -> Numbers:
        with torch.inference_mode():
            parts = [batch[first : first + CPU_ROWS] for first in range(0, len(batch), CPU_ROWS)]
            return np.asarray(torch.cat([self._logits(part) for part in parts]).numpy())

    def _logits(self, pixels: Pixels) -> Tensor:
        # A copy, because pixels straight from Pillow may not be written to, which torch warns of.
        inputs = normalise(torch.tensor(pixels), self._subtracted, torch.float32)
        logits: Tensor = self._network(inputs)
        return logits
