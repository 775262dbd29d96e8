"""The joined data set in memory: square, and grey as the models see it or in colour."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semblante.card import Preprocess
from semblante.picture import open_picture
from semblante_worker.datasets.picture_store import MOST_PIXELS
from semblante_worker.engines import softmax
from semblante_worker.evaluation.temperature import fit_temperature
from semblante_worker.preprocess import prepare

SIDE = 112
CLASSES = 7
LEAST_SHARE = 1e-6
"""Added to a probability before its logarithm is taken."""

SPEC = Preprocess(
    colour="grey",
    resize=(SIDE, SIDE),
    interpolation="bilinear",
    scale="1/255",
    mean=(0.449, 0.449, 0.449),
    std=(0.226, 0.226, 0.226),
)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures and what is known of them, in the manifest's order."""

    pixels: NDArray[np.uint8]
    """[n, 1 or 3, side, side]"""
    targets: NDArray[np.float32]
    """[n, CLASSES]: the shares of the votes, or 1 for the label."""
    labels: NDArray[np.int64]
    """[n], from 0."""
    is_rafdb: NDArray[np.bool_]
    is_held_out: NDArray[np.bool_]

    def rows(self, *, rafdb: bool, held_out: bool) -> NDArray[np.intp]:
        """Return the places of one source's training or validation pictures."""
        return np.nonzero((self.is_rafdb == rafdb) & (self.is_held_out == held_out))[0]

    def batch(self, rows: NDArray[np.intp]) -> Tensor:
        """Return float32 [n, 1 or 3, side, side], 0 to 255."""
        return torch.from_numpy(self.pixels[rows]).float()

    def batches(self, rows: NDArray[np.intp], most: int) -> Iterator[Tensor]:
        """Yield batches of nearly equal size, at most that many pictures each, in order."""
        for part in np.array_split(rows, -(-len(rows) // most)):
            yield self.batch(part)


def read_pictures(
    path: Path, side: int = SIDE, colour: Literal["grey", "rgb"] = "grey"
) -> Pictures:
    """Read what `join_datasets.py` wrote, as a model of `side` pixels sees it."""
    spec = SPEC.model_copy(update={"resize": (side, side), "colour": colour})
    with zipfile.ZipFile(path) as archive:
        with archive.open("manifest.csv") as raw:
            rows = list(csv.DictReader(io.TextIOWrapper(raw, "utf-8")))
        pixels = np.empty((len(rows), 1 if colour == "grey" else 3, side, side), np.uint8)
        for place, row in enumerate(rows):
            prepared = prepare(open_picture(archive.read(row["path"]), MOST_PIXELS), spec)
            pixels[place] = np.moveaxis(prepared.reshape(side, side, -1), 2, 0)
    shares = [[float(row[f"p{number}"]) for number in range(1, CLASSES + 1)] for row in rows]
    return Pictures(
        pixels=pixels,
        targets=np.array(shares, np.float32),
        labels=np.array([int(row["label"]) - 1 for row in rows]),
        is_rafdb=np.array([row["source"] == "rafdb" for row in rows]),
        is_held_out=np.array([row["split"] == "val" for row in rows]),
    )


def normalise(x: Tensor) -> Tensor:
    """Map 0 to 255 to what the ResNets see."""
    return (x / 255 - SPEC.mean[0]) / SPEC.std[0]


def class_weights(labels: NDArray[np.int64], strength: float) -> NDArray[np.float64]:
    """Return how often to draw each picture: its class's share to the power of -`strength`."""
    shares = np.bincount(labels, minlength=CLASSES) / len(labels)
    weights = shares[labels] ** -strength
    return np.asarray(weights / weights.sum())


def describe(shares: NDArray[np.float32], labels: NDArray[np.int64]) -> str:
    """Return accuracy and mean recall of probabilities, [n, CLASSES]."""
    right = shares.argmax(axis=1) == labels
    recalls = [right[labels == label].mean() for label in np.unique(labels)]
    return f"{right.mean():.2%} / {np.mean(recalls):.2%}"


def least_log_loss(shares: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the log loss of probabilities, [n, CLASSES], at the temperature that suits them."""
    logits = np.log(shares + LEAST_SHARE)
    warm = softmax(logits / fit_temperature(logits, labels))
    return float(-np.log(warm[np.arange(len(labels)), labels]).mean())
