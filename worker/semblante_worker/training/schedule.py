"""Learning rates as a function of the step alone, so that a resumed run needs no state of them."""

from __future__ import annotations

import math

from semblante_worker.training.recipe import Phase

_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = 1 / 250_000
"""Smith and Topin 2018, with the ratios of torch's OneCycleLR."""


def rate_factor(phase: Phase, step: int, steps: int) -> float:
    """Return what the rates of `phase` are multiplied by in `step`, counted from 0, of `steps`."""
    if phase.schedule == "one_cycle":
        peak = phase.warmup * steps - 1
        if step < peak:
            return _cosine(_ONE_CYCLE_START, 1.0, step / peak)
        return _cosine(1.0, _ONE_CYCLE_END, (step - peak) / (steps - 1 - peak))
    rising = round(phase.warmup * steps)
    if step < rising:
        return (step + 1) / rising
    if phase.schedule == "constant":
        return 1.0
    return _cosine(1.0, 0.0, (step - rising) / max(steps - rising, 1))


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
