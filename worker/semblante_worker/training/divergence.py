"""Noticing that a training diverges: its numbers grow until they are none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from semblante.errors import TrainingError
from semblante_worker.training.passes import Measured


def check_training_loss(epoch: int, loss: float, kept: Path | None) -> None:
    """Check what an epoch's steps had to make smaller; see `check_validation`."""
    if not math.isfinite(loss):
        raise _diverged(epoch, kept)


def check_validation(epoch: int, measured: Measured, kept: Path | None) -> None:
    """Check what the network says after an epoch; `kept` are the best weights before it.

    Raises:
        TrainingError: `invalid_recipe`, when a number is infinite or none.
    """
    if not (math.isfinite(measured.loss) and np.isfinite(measured.logits).all()):
        raise _diverged(epoch, kept)


def _diverged(epoch: int, kept: Path | None) -> TrainingError:
    message = (
        f"The training diverged in epoch {epoch}: its loss is not finite. Lower the learning_rates "
        "of that phase, and train anew in another folder."
    )
    if kept is not None:
        message += f" What was best before is kept: --init {kept} starts from there."
    return TrainingError("invalid_recipe", message)
