"""Draw many views of the training pictures and ask the teachers about each.

    python -m model_runs.distillation.make_views joined.zip w600k_mbf.onnx --faces teacher.pt
        --resnets resnet18-raf7.safetensors student-3.safetensors=80 -o views.npz

A teacher has learned its training pictures by heart; of views that it has not seen it should say
more, and of a mixture of two pictures, which has no label, too (Beyer et al., *Knowledge
distillation: a good teacher is patient and consistent*, CVPR 2022). views.npz holds `pixels` uint8
[n, SIDE, SIDE], `rows` int64 [n] (of the joined manifest), `is_mixed` bool [n], `faces` and
`resnets` float16 [n, CLASSES] (the face networks' mean, and the ResNets') and `embeddings` float16
[n, EMBEDDING] (the first face network's).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_runs.distillation.mobile_face_net import (
    EMBEDDING,
    Tail,
    Trunk,
    compile_network,
    lower,
)
from model_runs.distillation.pictures import (
    CLASSES,
    SIDE,
    Pictures,
    describe,
    normalise,
    read_pictures,
)
from model_runs.distillation.student import load_student
from model_runs.distillation.transformations import between, blur, light, resize, turn, warp
from semblante_worker.engines import softmax

BATCH = 128
SEED = 12

Answers = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class Teachers:
    """Some face networks, with one trunk, and some ResNets, all in OpenVINO."""

    def __init__(
        self, network: Path, faces: Sequence[Path], resnets: Sequence[tuple[Path, int]]
    ) -> None:
        self._trunk = Trunk(network)
        self._tails = [_compile(_load_tail(network, weights), (256, 14, 14)) for weights in faces]
        self._resnets = [
            (_compile(load_student(weights), (1, side, side)), side) for weights, side in resnets
        ]

    def ask(self, x: Tensor) -> Answers:
        """Return two probabilities [n, CLASSES] and an embedding of float32 [n, 1, SIDE, SIDE]."""
        features = self._trunk(lower(x)).numpy()
        answers = [tail(features) for tail in self._tails]
        faces = [softmax(answer[0]) for answer in answers]
        resnets = [
            softmax(resnet(normalise(resize(x, side)).numpy())[0]) for resnet, side in self._resnets
        ]
        return np.mean(faces, axis=0), np.mean(resnets, axis=0), answers[0][1]


def draw_view(x: Tensor) -> Tensor:
    """Turn, move, scale, blur and light float32 [n, 1, h, w] of 0 to 255."""
    scale = torch.exp(between(math.log(0.7), math.log(1.2), len(x)))
    return light(warp(blur(x, 0.2, 36, 90), turn(len(x), scale))).round()


def mix_some(views: Tensor, is_mixed: NDArray[np.bool_]) -> Tensor:
    """Put another view of the batch over those that `is_mixed`, each by its own share."""
    if not is_mixed.any():
        return views
    shares = torch.from_numpy(is_mixed).float() * between(0, 1, len(views))
    other = views[torch.randperm(len(views))]
    return views.lerp(other, shares[:, None, None, None]).round()


def measure(teachers: Teachers, pictures: Pictures) -> None:
    """Print what the teachers reach on the validation pictures, and on their mirror images."""
    for source, rafdb in (("RAF-DB", True), ("FERPlus", False)):
        rows = pictures.rows(rafdb=rafdb, held_out=True)
        batches = list(pictures.batches(rows, BATCH))
        plain = [teachers.ask(x)[:2] for x in batches]
        mirrored = [teachers.ask(x.flip(3))[:2] for x in batches]
        for looks, answers in (("as they are", plain), ("mirrored", mirrored)):
            faces, resnets = (np.concatenate(said) for said in zip(*answers, strict=True))
            for name, said in (
                ("face networks", faces),
                ("ResNets", resnets),
                ("mean", (faces + resnets) / 2),
            ):
                found = describe(said, pictures.labels[rows])
                print(f"{source} {looks}, {name}: {found}", flush=True)


def write_views(pictures: Pictures, teachers: Teachers, options: argparse.Namespace) -> None:
    """Write some views of each training picture of RAF-DB and of FERPlus, shuffled."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    sources = [pictures.rows(rafdb=rafdb, held_out=False) for rafdb in (True, False)]
    copies = options.rafdb, options.ferplus
    rows = np.concatenate(
        [np.tile(part, times) for part, times in zip(sources, copies, strict=True)]
    )
    generator.shuffle(rows)
    is_mixed = generator.random(len(rows)) < options.mixed
    pixels = np.empty((len(rows), SIDE, SIDE), np.uint8)
    faces, resnets = np.empty((2, len(rows), CLASSES), np.float16)
    embeddings = np.empty((len(rows), EMBEDDING), np.float16)
    began = time.monotonic()
    for at in range(0, len(rows), BATCH):
        part = slice(at, min(at + BATCH, len(rows)))
        views = mix_some(draw_view(pictures.batch(rows[part])), is_mixed[part])
        pixels[part] = views[:, 0].numpy().astype(np.uint8)
        faces[part], resnets[part], embeddings[part] = teachers.ask(views)
        print(f"\r{part.stop}/{len(rows)} {part.stop / (time.monotonic() - began):.0f}/s", end="")
    print()
    np.savez(
        options.output,
        pixels=pixels,
        rows=rows,
        is_mixed=is_mixed,
        faces=faces,
        resnets=resnets,
        embeddings=embeddings,
    )


def _load_tail(network: Path, weights: Path) -> Tail:
    tail = Tail(network)
    tail.load_state_dict(torch.load(weights, weights_only=True))
    return tail


def _weights_and_side(text: str) -> tuple[Path, int]:
    weights, _, side = text.partition("=")
    return Path(weights), int(side or SIDE)


def _compile(network: torch.nn.Module, shape: tuple[int, ...]) -> Any:
    example = torch.zeros(2, *shape)
    return compile_network(openvino.convert_model(network.eval(), example_input=example), shape)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("network", type=Path)
    parser.add_argument(
        "--faces", type=Path, nargs="+", required=True, help="what train_teacher wrote"
    )
    parser.add_argument(
        "--resnets",
        type=_weights_and_side,
        nargs="+",
        required=True,
        help="a ResNet-18's FILE or FILE=SIDE",
    )
    parser.add_argument("--rafdb", type=int, default=8, help="views of each picture")
    parser.add_argument("--ferplus", type=int, default=2, help="views of each picture")
    parser.add_argument("--mixed", type=float, default=0.5, help="share of the views")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    data = read_pictures(arguments.dataset)
    all_teachers = Teachers(arguments.network, arguments.faces, arguments.resnets)
    measure(all_teachers, data)
    write_views(data, all_teachers, arguments)
