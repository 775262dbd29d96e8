"""The networks that `make_views.py` asks about each view."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_runs.distillation.face_network import FaceNetwork, compile_network
from model_runs.distillation.face_networks import open_face_network
from model_runs.distillation.pictures import SIDE, normalise
from model_runs.distillation.student import load_student
from model_runs.distillation.transformations import resize, to_grey
from semblante_worker.engines import softmax

Answers = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class FaceTeacher:
    """A face network that has learned expressions."""

    def __init__(self, network: str, weights: Path) -> None:
        self._network = open_face_network(network)
        self._tail = _compile(_load_tail(self._network, weights), self._network.shape)

    def ask(self, x: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probabilities [n, CLASSES] and the embedding of views."""
        answer = self._tail(self._network.trunk(self._network.look(x)).numpy())
        return softmax(answer[0]), answer[1]


class Teachers:
    """Some face networks and some ResNets, all in OpenVINO."""

    def __init__(
        self, faces: Sequence[tuple[str, Path]], resnets: Sequence[tuple[Path, int]]
    ) -> None:
        self._faces = [FaceTeacher(network, weights) for network, weights in faces]
        self._resnets = [
            (_compile(load_student(weights), (1, side, side)), side) for weights, side in resnets
        ]

    def ask(self, x: Tensor) -> Answers:
        """Return two probabilities [n, CLASSES] and an embedding of float32 [n, 3, SIDE, SIDE]."""
        grey = to_grey(x)
        faces = [face.ask(x) for face in self._faces]
        resnets = [
            softmax(resnet(normalise(resize(grey, side)).numpy())[0])
            for resnet, side in self._resnets
        ]
        shares = np.mean([said for said, _ in faces], axis=0)
        return shares, np.mean(resnets, axis=0), faces[0][1]


def _load_tail(network: FaceNetwork, weights: Path) -> torch.nn.Module:
    tail = network.new_tail()
    tail.load_state_dict(torch.load(weights, weights_only=True))
    return tail


def _compile(network: torch.nn.Module, shape: tuple[int, ...]) -> Any:
    example = torch.zeros(2, *shape)
    return compile_network(openvino.convert_model(network.eval(), example_input=example), shape)


def add_teachers(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name `Teachers`."""
    parser.add_argument(
        "--faces",
        type=network_and_weights,
        nargs="+",
        required=True,
        help="NAME:FILE=WEIGHTS: a face network and what train_teacher wrote",
    )
    parser.add_argument(
        "--resnets",
        type=weights_and_side,
        nargs="+",
        required=True,
        help="a ResNet-18's FILE or FILE=SIDE",
    )


def network_and_weights(text: str) -> tuple[str, Path]:
    """Split NAME:FILE=WEIGHTS, as `FaceTeacher` takes it."""
    network, _, weights = text.partition("=")
    return network, Path(weights)


def weights_and_side(text: str) -> tuple[Path, int]:
    """Split FILE or FILE=SIDE of a ResNet-18."""
    weights, _, side = text.partition("=")
    return Path(weights), int(side or SIDE)
