"""The order of training pictures in an epoch, and what class balance makes of it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from semblante_worker.training.labels import Labelled
from semblante_worker.training.loading import Key
from semblante_worker.training.recipe import Phase, Recipe
from semblante_worker.training.seeds import derive_seed


def plan_epoch(
    labelled: Labelled, recipe: Recipe, phase: Phase, seed: int, epoch: int
) -> list[list[Key]]:
    """Return the batches of one epoch: as many pictures as the phase's sources have.

    A last batch of one picture is left out: batch norms cannot learn from it.
    """
    rows = rows_of_sources(labelled, phase)
    generator = torch.Generator().manual_seed(derive_seed(seed, epoch, "order"))
    if recipe.class_balance == "sample":
        weights = class_weights(labelled.labels[rows], recipe)[labelled.labels[rows]]
        picks = torch.multinomial(
            torch.from_numpy(weights), len(rows), replacement=True, generator=generator
        )
    else:
        picks = torch.randperm(len(rows), generator=generator)
    keys = [
        (int(rows[pick]), derive_seed(seed, epoch, place))
        for place, pick in enumerate(picks.tolist())
    ]
    size = recipe.batch_size
    batches = [keys[at : at + size] for at in range(0, len(keys), size)]
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 else batches


def rows_of_sources(labelled: Labelled, phase: Phase) -> NDArray[np.intp]:
    """Return the rows of the phase's sources, as often as each is named.

    A picture without a source is in every phase, once.
    """
    if not phase.sources:
        return np.arange(len(labelled))
    times = [phase.sources.count(e.source) if e.source else 1 for e in labelled.entries]
    return np.repeat(np.arange(len(labelled)), times)


def class_weights(labels: NDArray[np.int64], recipe: Recipe) -> NDArray[np.float64]:
    """Return a weight for each class, float64 [classes], of mean 1 over all pictures.

    It is the inverse of the class's share, to the power of `class_balance_strength`.
    """
    counts = np.bincount(labels, minlength=len(recipe.classes)).astype(np.float64)
    raw = np.zeros_like(counts)
    raw[counts > 0] = (len(labels) / counts[counts > 0]) ** recipe.class_balance_strength
    return np.asarray(raw / (raw[labels].mean() or 1.0))
