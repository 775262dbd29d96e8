"""Measure how far a student is from what the face networks say.

    python -m model_runs.distillation.measure_likeness joined.zip student.safetensors
        --faces mobile-face-net:w600k_mbf.onnx=teacher.pt --resnets resnet18-raf7.safetensors

It prints the mean of the Kullback-Leibler divergence of the student from the face networks' mean,
in nats, on RAF-DB's validation pictures and on as many that it has learned from: as they are, in
views like those of `make_views`, and mixed. Much on what it has learned from: its targets say
something else, or it needs more steps or capacity. Much less there than on the others: it needs
more pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from model_runs.distillation.make_views import draw_view, mix_some
from model_runs.distillation.pictures import LEAST_SHARE, Pictures, normalise, read_pictures
from model_runs.distillation.student import load_student
from model_runs.distillation.teachers import Teachers, add_teachers
from model_runs.distillation.transformations import to_grey
from semblante_worker.resnet import ResNet

BATCH = 128
SEED = 3


def mix_all(x: Tensor) -> Tensor:
    """Return views, each with another one over it."""
    return mix_some(draw_view(x), np.ones(len(x), np.bool_))


LOOKS: dict[str, Callable[[Tensor], Tensor]] = {
    "as they are": lambda x: x,
    "views": draw_view,
    "mixed": mix_all,
}


@torch.no_grad()
def divergence(
    student: ResNet,
    teachers: Teachers,
    pictures: Pictures,
    rows: NDArray[np.intp],
    look: Callable[[Tensor], Tensor],
) -> float:
    """Return the mean of it over those pictures."""
    total = 0.0
    for x in map(look, pictures.batches(rows, BATCH)):
        said = torch.from_numpy(teachers.ask(x)[0]) + LEAST_SHARE
        logarithms = student(normalise(to_grey(x))).log_softmax(1)
        total += functional.kl_div(logarithms, said, reduction="sum").item()
    return total / len(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("weights", type=Path)
    add_teachers(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(SEED)
    data = read_pictures(arguments.dataset, colour="rgb")
    asked = Teachers(arguments.faces, arguments.resnets)
    learner = load_student(arguments.weights).eval()
    held_out = data.rows(rafdb=True, held_out=True)
    learned = np.random.default_rng(SEED).choice(
        data.rows(rafdb=True, held_out=False), len(held_out), replace=False
    )
    for name, look in LOOKS.items():
        for part, chosen in (("validation", held_out), ("learned", learned)):
            found = divergence(learner, asked, data, chosen, look)
            print(f"{name}, {part}: {found:.4f}", flush=True)
