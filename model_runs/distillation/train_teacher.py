"""Teach a network that knows faces to know expressions: a teacher for `train_student.py`.

    python -m model_runs.distillation.train_teacher joined.zip w600k_mbf.onnx -o teacher.pt

Each epoch takes as many pictures as RAF-DB's training part has, rare classes a little oftener, and
4,000 of FERPlus. The weights are the running mean of the course's. On 2 CPU cores about 140
pictures/s.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model_runs.distillation.course import Course
from model_runs.distillation.mobile_face_net import LOWER, Tail, Trunk, lower
from model_runs.distillation.pictures import Pictures, class_weights, describe, read_pictures
from model_runs.distillation.transformations import (
    between,
    blur,
    erase,
    light,
    mirror,
    turn,
    warp,
)
from semblante_worker.training.objective import mix, soft_cross_entropy

SEED = 5
BATCH = 64
FERPLUS = 4000
WARMUP = 0.08
SMOOTHING = 0.05


def augment(x: Tensor) -> Tensor:
    """Return another view of float32 [n, 1, h, w] of 0 to 255, faces where the network has them."""
    count = len(x)
    matrices = turn(count, between(0.8, 1.15, count))
    matrices[:, 1, 2] -= 2 * LOWER
    return erase(mirror(light(warp(blur(x, 0.15, 40, 100), matrices, "zeros"))), 0.3)


def plan(pictures: Pictures, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return one epoch's pictures, whole batches of them."""
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
    return rows[: len(rows) // BATCH * BATCH]


def validate(trunk: Trunk, tail: nn.Module, pictures: Pictures, rows: NDArray[np.intp]) -> str:
    """Return accuracy and mean recall on pictures and their mirror images together."""
    tail.eval()
    shares = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for part in np.array_split(rows, -(-len(rows) // BATCH)):
            x = lower(pictures.batch(part))
            both = [tail(trunk(view))[0].float().softmax(1) for view in (x, x.flip(3))]
            shares.append(torch.stack(both).mean(0).numpy())
    tail.train()
    return describe(np.concatenate(shares), pictures.labels[rows])


def groups_of(tail: Tail, rate: float) -> list[dict[str, Any]]:
    """Three times the rate for the head; no decay for what is no matrix."""
    head = [*tail.norm.parameters(), *tail.head.parameters()]
    body = [*tail.layers.parameters()]
    return [
        {"params": head, "lr": rate * 3},
        {"params": [p for p in body if p.ndim > 1], "lr": rate},
        {"params": [p for p in body if p.ndim == 1], "lr": rate, "weight_decay": 0.0},
    ]


def train(pictures: Pictures, network: Path, epochs: int, rate: float, output: Path) -> None:
    """Write the running mean of the weights after each epoch."""
    torch.manual_seed(SEED)
    generator = np.random.default_rng(SEED)
    trunk, tail = Trunk(network), Tail(network)
    tail.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run: Any = torch.compile(tail, dynamic=False)
    steps = epochs * (len(plan(pictures, generator)) // BATCH)
    course = Course(tail, groups_of(tail, rate), steps, warmup=WARMUP, decay=0.997)
    held_out = [pictures.rows(rafdb=rafdb, held_out=True) for rafdb in (True, False)]
    for epoch in range(epochs):
        began, total, rows = time.monotonic(), 0.0, plan(pictures, generator)
        for part in np.split(rows, len(rows) // BATCH):
            views, targets = augment(pictures.batch(part)), torch.from_numpy(pictures.targets[part])
            x, targets = mix(views, targets, 0.2)
            features = trunk(x)
            with torch.autocast("cpu", torch.bfloat16):
                logits = run(features)[0].float()
            loss = soft_cross_entropy(logits, targets, SMOOTHING)
            course.take_step(loss)
            total += loss.item()
        torch.save(course.mean.network.state_dict(), output)
        found = [validate(trunk, course.mean.network, pictures, part) for part in held_out]
        speed = len(rows) / (time.monotonic() - began)
        print(
            f"{epoch + 1}/{epochs} loss {total * BATCH / len(rows):.4f}"
            f" RAF-DB {found[0]}, FERPlus {found[1]}, {speed:.0f}/s",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("network", type=Path)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    train(
        read_pictures(arguments.dataset),
        arguments.network,
        arguments.epochs,
        arguments.rate,
        arguments.output,
    )
