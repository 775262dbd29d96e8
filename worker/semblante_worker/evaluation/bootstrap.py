"""Bootstrap intervals: the figures again, on samples drawn from the images with replacement.

Efron's percentile interval: the middle 95 % of what 1,000 resamples give. It tells how much the
figures owe to the choice of images, not how the model does on other kinds of pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from semblante_worker.evaluation.metrics import BINS, Labels, Reals

RESAMPLES = 1000
SEED = 20170806
LEVEL = 0.95
_NUMBERS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Outcomes:
    """What happened to each of n images; all figures come from these columns.

    `truth` int64 [n]; `predicted` int64 [n], the number of classes for an image without a label;
    `bins` int64 [n]; `gaps` float64 [n], confidence minus hit; `squares` float64 [n], see
    `brier_parts`. The last three are 0 for an image without a label.
    """

    classes: int
    truth: Labels
    predicted: Labels
    bins: Labels
    gaps: Reals
    squares: Reals

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.truth)


@dataclass(frozen=True)
class Sums:
    """Sums over the images of r samples.

    `confusion` int64 [r, c, c + 1], `gaps` float64 [r, 15], `squares` float64 [r].
    """

    confusion: Labels
    gaps: Reals
    squares: Reals


def sum_all(outcomes: Outcomes) -> Sums:
    """Return the sums over the images as they are, as one sample (r = 1)."""
    return _sum_drawn(outcomes, np.arange(len(outcomes))[np.newaxis])


def sum_resamples(outcomes: Outcomes, resamples: int = RESAMPLES, seed: int = SEED) -> Sums:
    """Return the sums over `resamples` samples, each of n images drawn with replacement.

    The images are sorted first, so that their order does not change the intervals.
    """
    keys = (outcomes.squares, outcomes.gaps, outcomes.predicted, outcomes.truth)
    outcomes = _taken(outcomes, np.lexsort(keys))
    parts = [_sum_drawn(outcomes, drawn) for drawn in _draws(len(outcomes), resamples, seed)]
    return Sums(
        np.concatenate([part.confusion for part in parts]),
        np.concatenate([part.gaps for part in parts]),
        np.concatenate([part.squares for part in parts]),
    )


def estimate(value: Reals, samples: Reals) -> Estimate | None:
    """Return `value` (a scalar) with the middle 95 % of `samples` [r]; None when it is NaN.

    Resamples in which the figure is not defined are left out.
    """
    defined = samples[np.isfinite(samples)]
    if not np.isfinite(value) or len(defined) == 0:
        return None
    outside = (1 - LEVEL) / 2
    low, high = np.quantile(defined, (outside, 1 - outside))
    return Estimate(float(value), float(low), float(high))


def _draws(images: int, resamples: int, seed: int) -> Iterator[Labels]:
    """Yield the numbers of the drawn images, [r, n], a few resamples at a time."""
    generator = np.random.default_rng(seed)
    step = max(1, _NUMBERS_AT_ONCE // images)
    for first in range(0, resamples, step):
        yield generator.integers(0, images, (min(step, resamples - first), images))


def _sum_drawn(outcomes: Outcomes, drawn: Labels) -> Sums:
    rows, classes = len(drawn), outcomes.classes
    cells = outcomes.truth * (classes + 1) + outcomes.predicted
    size = classes * (classes + 1)
    row = np.arange(rows)[:, np.newaxis]
    confusion = np.bincount((cells[drawn] + row * size).ravel(), minlength=rows * size)
    places = (outcomes.bins[drawn] + row * BINS).ravel()
    gaps = np.bincount(places, weights=outcomes.gaps[drawn].ravel(), minlength=rows * BINS)
    return Sums(
        confusion.reshape(rows, classes, classes + 1).astype(np.int64, copy=False),
        gaps.astype(np.float64, copy=False).reshape(rows, BINS),
        outcomes.squares[drawn].sum(axis=1),
    )


def _taken(outcomes: Outcomes, order: Labels) -> Outcomes:
    return Outcomes(
        outcomes.classes,
        outcomes.truth[order],
        outcomes.predicted[order],
        outcomes.bins[order],
        outcomes.gaps[order],
        outcomes.squares[order],
    )
