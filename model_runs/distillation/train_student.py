"""Train a ResNet-18 on views of the pictures and on what its teachers say of them.

    python -m model_runs.distillation.train_student joined.zip views.npz resnet18-raf7.safetensors
        -o student.safetensors

Besides the views' targets (`views.py`) its features have to tell the face network's embedding
(Romero et al., *FitNets*, ICLR 2015). Several files of views count as one. The weights are the
running mean of the course's, with torchvision's names; beside them, as `.json`, is what
`average_weights.py` takes as progress.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model_runs.distillation.batches import Batch, disturb, draw_batch
from model_runs.distillation.course import Course
from model_runs.distillation.pictures import (
    SIDE,
    Pictures,
    describe,
    normalise,
    read_pictures,
)
from model_runs.distillation.student import load_student, save_student
from model_runs.distillation.unfolded import unfold_last_stage
from model_runs.distillation.views import FACES_SHARE, TEACHERS_SHARE, Views, read_views
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.resnet import ResNet
from semblante_worker.training.run_state import Progress

SEED = 1
BATCH = 128
EMBEDDING_WEIGHT = 0.5
WARMUP = 0.06
REPORTS = 12


def validate(student: nn.Module, pictures: Pictures) -> tuple[float, float, str]:
    """Return loss and accuracy on all validation pictures, and figures for each source."""
    student.eval()
    rows = np.nonzero(pictures.is_held_out)[0]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        batches = (normalise(x) for x in pictures.batches(rows, BATCH))
        logits = torch.cat([student(batch).float() for batch in batches])
    loss = functional.cross_entropy(logits, torch.from_numpy(pictures.labels[rows])).item()
    shares, labels = logits.softmax(1).numpy(), pictures.labels[rows]
    is_rafdb = pictures.is_rafdb[rows]
    by_source = (
        f"{name} {describe(shares[of], labels[of])}"
        for name, of in (("RAF-DB", is_rafdb), ("FERPlus", ~is_rafdb))
    )
    return loss, float((shares.argmax(axis=1) == labels).mean()), ", ".join(by_source)


def groups_of(student: ResNet, teller: nn.Linear, rate: float) -> list[dict[str, Any]]:
    """No decay for what is no matrix; the layer that tells the embedding learns at 2e-3."""
    return [
        {"params": [p for p in student.parameters() if p.ndim > 1], "lr": rate},
        {
            "params": [p for p in student.parameters() if p.ndim == 1],
            "lr": rate,
            "weight_decay": 0.0,
        },
        {"params": [*teller.parameters()], "lr": 2e-3},
    ]


def learn(student: ResNet, teller: nn.Linear, batch: Batch) -> tuple[Tensor, Tensor, float]:
    """Return the loss to go down, the loss of the labels, and the share of equal labels."""
    x, targets, embeddings = batch
    x = normalise(x).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        features = student.features(x)
        logits = student.fc(features).float()
    untold = 1 - functional.cosine_similarity(teller(features.float()), embeddings).mean()
    loss = functional.cross_entropy(logits, targets)
    hits = (logits.argmax(1) == targets.argmax(1)).float().mean().item()
    return loss + EMBEDDING_WEIGHT * untold, loss.detach(), hits


def train(pictures: Pictures, views: Views, student: ResNet, options: argparse.Namespace) -> None:
    """Write the running mean of the weights, and the progress, `REPORTS` times in the course."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    teller = nn.Linear(student.fc.in_features, views.embeddings.shape[1])
    records: list[EpochRecord] = []
    steps, began = options.steps // REPORTS, time.monotonic()
    groups = groups_of(student, teller, options.rate)
    course = Course(student, groups, steps * REPORTS, warmup=WARMUP, decay=0.998)
    for report in range(1, REPORTS + 1):
        losses, hits = 0.0, 0.0
        for _ in range(steps):
            batch = draw_batch(views, BATCH, options.side, generator)
            if not options.as_seen:
                batch = disturb(batch, generator)
            loss, plain, equal = learn(student, teller, batch)
            course.take_step(loss)
            losses, hits = losses + plain.item() / steps, hits + equal / steps
        found, accuracy, by_source = validate(course.mean.network, pictures)
        records.append(EpochRecord(report, losses, hits, found, accuracy))
        speed = report * steps * BATCH / (time.monotonic() - began)
        print(
            f"Epoch {report}/{REPORTS}: loss {losses:.4f}, accuracy {hits:.2%}; validation loss"
            f" {found:.4f}, accuracy {accuracy:.2%} ({by_source}), {speed:.0f} views/s",
            flush=True,
        )
        save_student(course.mean.network, options.output)
        progress = Progress(
            identity="distillation",
            epoch=report,
            records=tuple(records),
            images_per_second=(speed,) * report,
            seconds=time.monotonic() - began,
            best_epoch=report,
        )
        options.output.with_suffix(".json").write_text(progress.model_dump_json())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("views", type=Path, nargs="+", help="what make_views wrote")
    parser.add_argument("weights", type=Path, help="where the student begins")
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument(
        "--as-seen", action="store_true", help="show the student what the teachers have seen"
    )
    parser.add_argument(
        "--teachers", type=float, default=TEACHERS_SHARE, help="their share of a target"
    )
    parser.add_argument(
        "--faces", type=float, default=FACES_SHARE, help="the face networks' share of that"
    )
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="of what they say; below 1 they are surer"
    )
    parser.add_argument(
        "--least-doubt", type=float, help="draw views oftener of which they are less sure"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    data = read_pictures(arguments.dataset, arguments.side)
    learner = load_student(arguments.weights)
    unfold_last_stage(learner)
    drawn = read_views(
        arguments.views,
        data,
        arguments.teachers,
        arguments.faces,
        arguments.temperature,
        arguments.least_doubt,
    )
    train(data, drawn, learner, arguments)
