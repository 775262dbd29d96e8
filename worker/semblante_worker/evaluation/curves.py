"""What one epoch of a training run achieved: a point of the curves in its report."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One epoch, counted from 1; losses are means per image, accuracies shares from 0 to 1."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float

    def as_values(self) -> dict[str, float | None]:
        """Return the fields as JSON has them, null for what is no finite number."""
        values: dict[str, float] = asdict(self)
        return {name: value if math.isfinite(value) else None for name, value in values.items()}
