"""Compare students by their labels, and by what networks that taught none of them say of these.

    python -m model_runs.distillation.judge_students joined.zip ships.safetensors new.safetensors
        --faces face-res:faceres-deep.json=faceres.pt --shaken 8

1,200 labels tell students apart that differ by two points. The mean probability that a judge gives
to what a student answers varies less: a label's chance is not in it (a control variate). A judge
that taught a student flatters it. All is on RAF-DB's validation pictures and their mirror images,
or on several views of them, which vary less than one; log losses are at the temperature that suits
each student.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_runs.distillation.pictures import LEAST_SHARE, Pictures, normalise, read_pictures
from model_runs.distillation.student import load_student
from model_runs.distillation.teachers import FaceTeacher, network_and_weights, weights_and_side
from model_runs.distillation.transformations import between, turn, warp
from semblante_worker.engines import softmax
from semblante_worker.evaluation.temperature import fit_temperature

BATCH = 128
SEED = 77
MEASURES = "right", "expected by the judges", "log loss"
Shares = NDArray[np.float32]


def ask_judges(judges: list[FaceTeacher], pictures: Pictures, rows: NDArray[np.intp]) -> Shares:
    """Return the judges' probabilities [n, CLASSES], as sure as the labels let them be."""
    said = [
        np.mean([judge.ask(x)[0] for judge in judges for x in (batch, batch.flip(3))], axis=0)
        for batch in pictures.batches(rows, BATCH)
    ]
    logits = np.log(np.concatenate(said) + LEAST_SHARE).astype(np.float32)
    temperature = fit_temperature(logits, pictures.labels[rows])
    return softmax((logits / temperature).astype(np.float32))


def shake(x: Tensor) -> Tensor:
    """Turn, scale and move pictures a little, as croppers of faces differ."""
    scale = torch.exp(between(-0.06, 0.06, len(x)))
    return warp(x, turn(len(x), scale, degrees=5, shift=0.03))


def look_at(x: Tensor, shaken: int) -> list[Tensor]:
    """Return the pictures and their mirror images, or that many views of them, half mirrored.

    The views are the same at every size.
    """
    torch.manual_seed(SEED)
    if shaken == 0:
        return [x, x.flip(3)]
    return [shake(x.flip(3) if number % 2 else x) for number in range(shaken)]


@torch.no_grad()
def measure(
    weights: Path, looks: list[Tensor], labels: NDArray[np.int64], judged: Shares
) -> NDArray[np.float64]:
    """Return `MEASURES` of a student for each picture, [3, n], as means over its looks."""
    student = load_student(weights).eval()
    parts = [student(normalise(part)) for look in looks for part in torch.split(look, BATCH)]
    logits, truth = torch.cat(parts).numpy(), np.tile(labels, len(looks))
    rows, answers = np.arange(len(truth)), logits.argmax(1)
    warm = softmax((logits / fit_temperature(logits, truth)).astype(np.float32))
    found = (
        answers == truth,
        np.tile(judged, (len(looks), 1))[rows, answers],
        -np.log(warm[rows, truth] + LEAST_SHARE),
    )
    return np.array([one.reshape(len(looks), -1).mean(axis=0) for one in found])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument(
        "weights",
        type=weights_and_side,
        nargs="+",
        help="a student's FILE or FILE=SIDE; all are compared with the first",
    )
    parser.add_argument("--faces", type=network_and_weights, nargs="+", required=True)
    parser.add_argument(
        "--shaken", type=int, default=0, help="views of each picture, in place of both as they are"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    coloured = read_pictures(arguments.dataset, colour="rgb")
    held_out = coloured.rows(rafdb=True, held_out=True)
    judged_as = ask_judges([FaceTeacher(*one) for one in arguments.faces], coloured, held_out)
    looks = {
        side: look_at(read_pictures(arguments.dataset, side).batch(held_out), arguments.shaken)
        for side in {side for _, side in arguments.weights}
    }
    measured = [
        measure(path, looks[side], coloured.labels[held_out], judged_as)
        for path, side in arguments.weights
    ]
    for (path, _), of_one in zip(arguments.weights, measured, strict=True):
        for name, found, first in zip(MEASURES, of_one, measured[0], strict=True):
            difference = found - first
            error = difference.std() / len(difference) ** 0.5
            print(
                f"{path}, {name}: {found.mean():.4f}, {difference.mean():+.4f}"
                f" (standard error {error:.4f})"
            )
