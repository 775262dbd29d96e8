"""What one epoch of a training run achieved: a point of the curves in its report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One epoch, counted from 1; losses are means per image, accuracies shares from 0 to 1."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
