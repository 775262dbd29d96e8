"""Measure weights on the validation pictures and on their mirror images.

    python -m model_runs.distillation.measure_mirrored joined.zip
        shared/semblante/models/resnet18-raf7/model.safetensors

Weights that were chosen by the pictures look better on them than they are. Mirror images are the
nearest thing to other pictures, as long as nothing is chosen by them. In float32; the log loss is
at the temperature that suits RAF-DB's pictures as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from model_runs.distillation.pictures import (
    SIDE,
    Pictures,
    describe,
    normalise,
    read_pictures,
)
from model_runs.distillation.student import load_student
from semblante_worker.evaluation.temperature import fit_temperature
from semblante_worker.resnet import ResNet

BATCH = 128


def logits_of(
    network: ResNet, pictures: Pictures, rows: NDArray[np.intp], *, is_mirrored: bool
) -> Tensor:
    """Return float32 [n, CLASSES]."""
    with torch.no_grad():
        batches = (normalise(x) for x in pictures.batches(rows, BATCH))
        return torch.cat([network(x.flip(3) if is_mirrored else x) for x in batches])


def measure(network: ResNet, pictures: Pictures) -> None:
    """Print accuracy, mean recall and log loss of each source, plain and mirrored."""
    temperature = None
    for source, rafdb in (("RAF-DB", True), ("FERPlus", False)):
        rows = pictures.rows(rafdb=rafdb, held_out=True)
        labels = pictures.labels[rows]
        for name, is_mirrored in (("as they are", False), ("mirrored", True)):
            logits = logits_of(network, pictures, rows, is_mirrored=is_mirrored)
            if temperature is None:
                temperature = fit_temperature(logits.numpy(), labels)
            warm = logits / temperature
            loss = functional.cross_entropy(warm, torch.from_numpy(labels)).item()
            found = describe(warm.softmax(1).numpy(), labels)
            print(f"{source} {name}: {found}, log loss {loss:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--side", type=int, default=SIDE)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    measure(
        load_student(arguments.weights).eval(), read_pictures(arguments.dataset, arguments.side)
    )
