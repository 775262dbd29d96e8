"""What the student learns from in one step."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model_runs.distillation.transformations import erase, mirror, resize
from model_runs.distillation.views import Views

Batch = tuple[Tensor, Tensor, Tensor]
"""Pixels of 0 to 255, [n, 1, side, side], targets [n, CLASSES], and embeddings."""


def draw_batch(views: Views, count: int, side: int, generator: np.random.Generator) -> Batch:
    """Return pixels, targets and embeddings of some views, mirrored."""
    rows = views.draw(count, generator)
    x = mirror(resize(views.batch(rows), side))
    return x, views.targets[rows], views.embeddings[rows]


def disturb(batch: Batch, generator: np.random.Generator) -> Batch:
    """Cover some views and mix them all with others: of that the teachers have said nothing."""
    x, targets, embeddings = batch
    covered = erase(x, 0.3)
    share, other = 1 - float(generator.beta(0.2, 0.2)), torch.randperm(len(x))
    x, targets, embeddings = (
        part.lerp(part[other], share) for part in (covered, targets, embeddings)
    )
    return x, targets, embeddings
