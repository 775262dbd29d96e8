"""From a network in torch to a graph in OpenVINO that takes the pixels as they are decoded."""

from __future__ import annotations

import openvino
import torch
from torch import Tensor, nn

from semblante.card import Preprocess
from semblante_worker.export.tools import silent_tools
from semblante_worker.folding import fold_network, subtracted


def build_graph(network: nn.Module, spec: Preprocess) -> openvino.Model:
    """Return the graph of `network`: uint8 [n, *spec.shape] to logits, float32 [n, classes], any n.

    Normalisation, batch norms and the sum over the channels of grey images are in its numbers. The
    result equals the network's to float32's precision.
    """
    module = _FromPixels(network, spec).eval()
    example = torch.zeros((2, *spec.shape), dtype=torch.uint8)
    images = torch.export.Dim("images")
    with silent_tools():
        program = torch.export.export(module, (example,), dynamic_shapes=({0: images},))
        graph = openvino.convert_model(program)
    graph.reshape(openvino.PartialShape([-1, *spec.shape]))  # the converter opens every dimension
    return graph


class _FromPixels(nn.Module):
    """The network behind the conversion of pixels to its input."""

    def __init__(self, network: nn.Module, spec: Preprocess) -> None:
        super().__init__()
        self.network = fold_network(network, spec)
        self._is_grey = spec.colour == "grey"
        self._subtracted = subtracted(spec).view(1, -1, 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map uint8 [n, h, w] or [n, h, w, 3] to logits, float32 [n, classes]."""
        channels = pixels.unsqueeze(1) if self._is_grey else pixels.permute(0, 3, 1, 2)
        logits: Tensor = self.network(channels.to(torch.float32) - self._subtracted)
        return logits
