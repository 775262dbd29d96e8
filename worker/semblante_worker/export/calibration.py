"""The pictures that set the ranges of values in int8."""

from __future__ import annotations

import numpy as np

from semblante.card import Preprocess
from semblante.errors import Refused
from semblante_worker.datasets.picture_store import MOST_PIXELS
from semblante_worker.decode_many import decode_images
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.metrics import Labels
from semblante_worker.outcome import Decoded
from semblante_worker.preprocess import Pixels

PICTURES = 300


def calibration_pixels(dataset: Dataset, spec: Preprocess, threads: int) -> Pixels:
    """Return at most 300 pictures of `dataset` as the network's input, uint8 [n, *spec.shape].

    The shares of the classes are those of the data set; pictures that cannot be read are left out.

    Raises:
        Refused: `empty_dataset`, when none can be read.
    """
    pairs = dataset.reader.read(stratified_rows(dataset.truth, PICTURES))
    outcomes = decode_images(pairs, spec, MOST_PIXELS, threads)
    pixels = [one.pixels for one in outcomes if isinstance(one, Decoded)]
    if not pixels:
        raise Refused("empty_dataset", f"{dataset.name}: no picture can be read.")
    return np.stack(pixels)


def stratified_rows(truth: Labels, count: int) -> list[int]:
    """Return at most `count` rows of `truth`, int64 [n], evenly spread over it sorted by class."""
    by_class = np.argsort(truth, kind="stable")
    places = np.linspace(0, len(truth) - 1, min(count, len(truth))).round().astype(np.int64)
    return sorted(int(row) for row in by_class[places])
