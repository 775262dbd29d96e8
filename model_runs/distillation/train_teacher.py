"""Teach a network that knows faces to know expressions: a teacher for `train_student.py`.

    python -m model_runs.distillation.train_teacher joined.zip mobile-face-net:w600k_mbf.onnx
        -o teacher.pt
    python -m model_runs.distillation.train_teacher joined.zip inception-resnet:graph_final.pb
        --epochs 9 --rate 2e-4 -o inception.pt

Each epoch takes as many pictures as RAF-DB's training part has, rare classes a little oftener, and
4,000 of FERPlus. With `--views` it takes as many of those, and learns what earlier teachers said of
them (Furlanello et al., *Born-again neural networks*, ICML 2018). The weights are the running mean
of the course's. On 2 CPU cores about 140 and 60 pictures/s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model_runs.distillation.course import Course
from model_runs.distillation.face_network import FaceNetwork, Tail
from model_runs.distillation.face_networks import open_face_network
from model_runs.distillation.pictures import Pictures, class_weights, describe, read_pictures
from model_runs.distillation.transformations import (
    between,
    blur,
    erase,
    light,
    lose_colour,
    mirror,
    turn,
)
from model_runs.distillation.views import Views, read_views
from semblante_worker.training.objective import mix, soft_cross_entropy

SEED = 5
BATCH = 64
FERPLUS = 4000
WARMUP = 0.08
SMOOTHING = 0.05


def augment(network: FaceNetwork, x: Tensor) -> Tensor:
    """Return another view of float32 [n, 1 or 3, h, w] of 0 to 255, as the network wants it."""
    matrices = turn(len(x), between(0.8, 1.15, len(x)))
    x = blur(lose_colour(x, 0.2), 0.15, 40, 100)
    return erase(mirror(light(network.look(x, matrices))), 0.3)


def draw_pictures(
    network: FaceNetwork, pictures: Pictures, generator: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield one epoch's whole batches: views and their labels."""
    rafdb = pictures.rows(rafdb=True, held_out=False)
    weights = class_weights(pictures.labels[rafdb], 0.25)
    ferplus = pictures.rows(rafdb=False, held_out=False)
    rows = np.concatenate(
        [
            generator.choice(rafdb, len(rafdb), p=weights),
            generator.choice(ferplus, FERPLUS, replace=False),
        ]
    )
    generator.shuffle(rows)
    for part in np.split(rows[: len(rows) // BATCH * BATCH], len(rows) // BATCH):
        yield augment(network, pictures.batch(part)), torch.from_numpy(pictures.targets[part])


def draw_views(
    network: FaceNetwork, views: Views, steps: int, generator: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield so many batches of what `make_views.py` wrote, and what the teachers said of it."""
    for _ in range(steps):
        rows = views.draw(BATCH, generator)
        yield erase(mirror(network.look(views.batch(rows))), 0.3), views.targets[rows]


def validate(
    network: FaceNetwork, tail: nn.Module, pictures: Pictures, rows: NDArray[np.intp]
) -> str:
    """Return accuracy and mean recall on pictures and their mirror images together."""
    tail.eval()
    shares = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for x in map(network.look, pictures.batches(rows, BATCH)):
            both = [tail(network.trunk(view))[0].float().softmax(1) for view in (x, x.flip(3))]
            shares.append(torch.stack(both).mean(0).numpy())
    tail.train()
    return describe(np.concatenate(shares), pictures.labels[rows])


def groups_of(tail: Tail, rate: float) -> list[dict[str, Any]]:
    """Three times the rate for the head; no decay for what is no matrix."""
    head = [*tail.norm.parameters(), *tail.head.parameters()]
    body = [*tail.body.parameters()]
    return [
        {"params": head, "lr": rate * 3},
        {"params": [p for p in body if p.ndim > 1], "lr": rate},
        {"params": [p for p in body if p.ndim == 1], "lr": rate, "weight_decay": 0.0},
    ]


def train(
    network: FaceNetwork, pictures: Pictures, views: Views | None, options: argparse.Namespace
) -> None:
    """Write the running mean of the weights after each epoch."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    tail = network.new_tail()
    tail.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run: Any = torch.compile(tail, dynamic=False)
    held_out = [pictures.rows(rafdb=rafdb, held_out=True) for rafdb in (True, False)]
    smoothing = SMOOTHING if views is None else 0.0
    steps = (len(pictures.rows(rafdb=True, held_out=False)) + FERPLUS) // BATCH
    course = Course(
        tail, groups_of(tail, options.rate), options.epochs * steps, warmup=WARMUP, decay=0.997
    )
    for epoch in range(options.epochs):
        began, total = time.monotonic(), 0.0
        batches = (
            draw_pictures(network, pictures, generator)
            if views is None
            else draw_views(network, views, steps, generator)
        )
        for batch in batches:
            x, targets = mix(*batch, 0.2)
            features = network.trunk(x)
            with torch.autocast("cpu", torch.bfloat16):
                logits = run(features)[0].float()
            loss = soft_cross_entropy(logits, targets, smoothing)
            course.take_step(loss)
            total += loss.item()
        torch.save(course.mean.network.state_dict(), options.output)
        found = [validate(network, course.mean.network, pictures, part) for part in held_out]
        speed = steps * BATCH / (time.monotonic() - began)
        print(
            f"{epoch + 1}/{options.epochs} loss {total / steps:.4f}"
            f" RAF-DB {found[0]}, FERPlus {found[1]}, {speed:.0f}/s",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("network", help="NAME:FILE, see face_networks.py")
    parser.add_argument("--views", type=Path, help="what make_views wrote")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    face_network = open_face_network(arguments.network)
    data = read_pictures(arguments.dataset, colour=face_network.colour)
    said = read_views([arguments.views], data) if arguments.views else None
    train(face_network, data, said, arguments)
