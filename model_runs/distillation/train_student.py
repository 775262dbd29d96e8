"""Train a ResNet-18 on views of the pictures and on what its teachers say of them.

    python -m model_runs.distillation.train_student joined.zip views.npz resnet18-raf7.safetensors
        -o student.safetensors

The targets are a mean of the label and of the teachers' probabilities, of a mixture of pictures
those alone (Hinton et al., *Distilling the knowledge in a neural network*, 2015; teacher and
student see the same view in a long course, as in Beyer et al., *Knowledge distillation: a good
teacher is patient and consistent*, CVPR 2022); besides, its features have to tell the face
network's embedding (Romero et al., *FitNets*, ICLR 2015). The weights are the running mean of the
course's, with torchvision's names; beside them, as `.json`, is what `average_weights.py` takes as
progress.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from model_runs.distillation.course import Course
from model_runs.distillation.mobile_face_net import EMBEDDING
from model_runs.distillation.pictures import (
    CLASSES,
    SIDE,
    Pictures,
    class_weights,
    describe,
    normalise,
    read_pictures,
)
from model_runs.distillation.student import load_student, save_student
from model_runs.distillation.transformations import erase, mirror, resize
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.resnet import ResNet
from semblante_worker.training.run_state import Progress

SEED = 1
BATCH = 128
FERPLUS_SHARE = 0.35
TEACHERS_SHARE = 0.7
SMOOTHING = 0.05
EMBEDDING_WEIGHT = 0.5
WARMUP = 0.06
REPORTS = 12


@dataclass(frozen=True, eq=False)
class Views:
    """What `make_views.py` wrote, and the targets made of it."""

    pixels: NDArray[np.uint8]
    targets: Tensor
    embeddings: Tensor
    rafdb: NDArray[np.intp]
    ferplus: NDArray[np.intp]
    weights: NDArray[np.float64]
    """How often to draw each of `rafdb`."""


def read_views(path: Path, pictures: Pictures) -> Views:
    """Read views and mix their targets."""
    with np.load(path) as stored:
        rows, pixels = stored["rows"], stored["pixels"]
        said = (stored["faces"].astype(np.float32) + stored["former"].astype(np.float32)) / 2
        embeddings = torch.from_numpy(stored["embeddings"]).float()
        share = np.where(stored["is_mixed"], 1, TEACHERS_SHARE).astype(np.float32)[:, None]
    labels = pictures.targets[rows] * (1 - SMOOTHING) + SMOOTHING / CLASSES
    rafdb = np.nonzero(pictures.is_rafdb[rows])[0]
    return Views(
        pixels=pixels,
        targets=torch.from_numpy(share * said + (1 - share) * labels),
        embeddings=(embeddings - embeddings.mean(0)) / (embeddings.std(0) + 1e-6),
        rafdb=rafdb,
        ferplus=np.nonzero(~pictures.is_rafdb[rows])[0],
        weights=class_weights(pictures.labels[rows[rafdb]], 0.25),
    )


def validate(student: nn.Module, pictures: Pictures) -> tuple[float, float, str]:
    """Return loss and accuracy on all validation pictures, and figures for each source."""
    student.eval()
    rows = np.nonzero(pictures.is_held_out)[0]
    parts = np.array_split(rows, -(-len(rows) // BATCH))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        batches = [normalise(pictures.batch(part)) for part in parts]
        logits = torch.cat([student(batch).float() for batch in batches])
    loss = functional.cross_entropy(logits, torch.from_numpy(pictures.labels[rows])).item()
    shares, labels = logits.softmax(1).numpy(), pictures.labels[rows]
    is_rafdb = pictures.is_rafdb[rows]
    by_source = (
        f"{name} {describe(shares[of], labels[of])}"
        for name, of in (("RAF-DB", is_rafdb), ("FERPlus", ~is_rafdb))
    )
    return loss, float((shares.argmax(axis=1) == labels).mean()), ", ".join(by_source)


def draw(views: Views, side: int, generator: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return one batch: pixels, targets and embeddings, mirrored, covered and mixed."""
    ferplus = round(BATCH * FERPLUS_SHARE)
    rows = np.concatenate(
        [
            generator.choice(views.rafdb, BATCH - ferplus, p=views.weights),
            generator.choice(views.ferplus, ferplus),
        ]
    )
    x = resize(torch.from_numpy(views.pixels[rows])[:, None].float(), side)
    x = erase(mirror(x), 0.3)
    share, other = 1 - float(generator.beta(0.2, 0.2)), torch.randperm(BATCH)
    parts = (normalise(x), views.targets[rows], views.embeddings[rows])
    x, targets, embeddings = (part.lerp(part[other], share) for part in parts)
    return x.contiguous(memory_format=torch.channels_last), targets, embeddings


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


def learn(
    student: ResNet, teller: nn.Linear, batch: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor, float]:
    """Return the loss to go down, the loss of the labels, and the share of equal labels."""
    x, targets, embeddings = batch
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
    teller = nn.Linear(512, EMBEDDING)
    records: list[EpochRecord] = []
    steps, began = options.steps // REPORTS, time.monotonic()
    groups = groups_of(student, teller, options.rate)
    course = Course(student, groups, steps * REPORTS, warmup=WARMUP, decay=0.998)
    for report in range(1, REPORTS + 1):
        losses, hits = 0.0, 0.0
        for _ in range(steps):
            batch = draw(views, options.side, generator)
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
    parser.add_argument("views", type=Path)
    parser.add_argument("weights", type=Path, help="where the student begins")
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    data = read_pictures(arguments.dataset, arguments.side)
    train(data, read_views(arguments.views, data), load_student(arguments.weights), arguments)
