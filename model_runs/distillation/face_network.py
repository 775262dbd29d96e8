"""A network that knows faces: a trunk that stays as it is, and tails that learn expressions."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal

import openvino
import torch
from torch import Tensor, nn

from model_runs.distillation.pictures import CLASSES
from model_runs.distillation.subgraph import Subgraph
from model_runs.distillation.transformations import to_grey, warp


class Tail(nn.Module):
    """What follows the trunk, and a new head of seven classes on its embedding."""

    def __init__(self, body: Subgraph, width: int, dropout: float) -> None:
        super().__init__()
        self.body = body
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, CLASSES))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map the trunk's features to logits [n, CLASSES] and the embedding [n, width]."""
        found = self.body(features).float()
        embedding = self.norm(found.mean((2, 3)) if found.ndim == 4 else found)
        return self.head(embedding), embedding


class FaceNetwork(ABC):
    """A published network for face recognition, cut in two."""

    sha256: ClassVar[str]
    side: ClassVar[int]
    lower: ClassVar[float]
    """RAF-DB's faces sit higher than the network's: this share of the side brings them down."""
    colour: ClassVar[Literal["grey", "rgb"]]
    """What it sees here; it always takes three channels."""
    channels_last: ClassVar[bool]
    scale: ClassVar[float]
    """It takes (value - 127.5) / scale."""
    shape: ClassVar[tuple[int, int, int]]
    """Of the trunk's features."""
    width: ClassVar[int]
    """Of the embedding."""
    dropout: ClassVar[float]

    def __init__(self, path: Path) -> None:
        check_file(path, self.sha256)
        size = (self.side, self.side)
        shape = (*size, 3) if self.channels_last else (3, *size)
        self._network = self._read(path)
        self._network.reshape([-1, *shape])
        self._cut, self._end = self._find_tail(self._network)
        trunk = openvino.Model([self._cut], self._network.get_parameters(), "trunk")
        self._compiled = compile_network(trunk, shape)

    def new_tail(self) -> Tail:
        """Return a tail with the published weights and an untrained head."""
        return Tail(Subgraph(self._cut, self._end), self.width, self.dropout)

    def trunk(self, x: Tensor) -> Tensor:
        """Map float32 [n, 1 or 3, side, side] of 0 to 255 to features, [n, *shape]."""
        x = ((x - 127.5) / self.scale).expand(-1, 3, -1, -1)
        x = x.permute(0, 2, 3, 1) if self.channels_last else x
        answer = self._compiled(x.contiguous().numpy())[0]
        return torch.from_numpy(answer).contiguous(memory_format=torch.channels_last)

    def look(self, x: Tensor, matrices: Tensor | None = None) -> Tensor:
        """Return pictures, [n, 1 or 3, h, w], where and as large as the trunk expects faces.

        `matrices`, [n, 2, 3], are what they are taken through on the way.
        """
        if matrices is None:
            matrices = torch.eye(2, 3).expand(len(x), -1, -1)
        matrices = matrices + torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, -2 * self.lower]])
        return warp(to_grey(x) if self.colour == "grey" else x, matrices, "zeros", self.side)

    def _read(self, path: Path) -> Any:
        return openvino.Core().read_model(path)

    @abstractmethod
    def _find_tail(self, network: Any) -> tuple[Any, Any]:
        """Return the outputs of the graph where the tail begins and where it ends."""


def check_file(path: Path, sha256: str) -> None:
    """End the program if the file is another one than the network's."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{path} is another file than README.md names: its sha256 is {found}.")


def compile_network(network: Any, shape: tuple[int, ...]) -> Any:
    """Compile an OpenVINO network of one input, [n, *shape], for two cores."""
    network.reshape([-1, *shape])
    options = {"INFERENCE_PRECISION_HINT": "bf16", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "2"}
    return openvino.Core().compile_model(network, "CPU", options)
