"""Figures from counts. Pure functions of numpy arrays, for one sample or for many at once.

A confusion matrix is int [..., c, c + 1]: rows are true classes, columns predicted ones, and the
last column counts images that got no label. Any leading axes (resamples) stay.
What is not defined is NaN: the recall of a class without images, the precision of one that was
never predicted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15
"""Equal-width bins of the confidence, as in Guo et al. 2017, "On Calibration of Modern Neural
Networks", section 2."""

Labels = NDArray[np.int64]
Reals = NDArray[np.float64]


def accuracy(confusion: Labels) -> Reals:
    """Return the share of images with the right label, [...]."""
    return _ratio(_hits(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def recalls(confusion: Labels) -> Reals:
    """Return for each class the share of its images that got its label, [..., c]."""
    return _ratio(_hits(confusion), confusion.sum(axis=-1))


def precisions(confusion: Labels) -> Reals:
    """Return for each class the share of images with its label that are of it, [..., c]."""
    return _ratio(_hits(confusion), _predicted(confusion))


def f1_scores(confusion: Labels) -> Reals:
    """Return for each class that has images 2 hits / (its images + its labels), [..., c]."""
    support = confusion.sum(axis=-1)
    scores = _ratio(2 * _hits(confusion), support + _predicted(confusion))
    return np.where(support > 0, scores, np.nan)


def mean_defined(values: Reals) -> Reals:
    """Return the mean over the last axis of what is defined, NaN where nothing is, [...]."""
    defined = np.isfinite(values)
    return _ratio(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))


def calibration_error(gaps: Reals, images: int) -> Reals:
    """Return the expected calibration error, [...].

    Args:
        gaps: [..., BINS], the sum in each bin of confidence minus hit (0 or 1).
        images: how many images are in all bins together.
    """
    return np.asarray(np.abs(gaps).sum(axis=-1) / images, dtype=np.float64)


def bins_of(confidences: Reals) -> Labels:
    """Return the bin, 0 to 14, of each confidence; bin m is (m/15, (m + 1)/15]."""
    edges = np.linspace(0, 1, BINS + 1)[1:-1]
    return np.searchsorted(edges, confidences, side="left").astype(np.int64)


def brier_parts(truth: Labels, probabilities: NDArray[np.float32]) -> Reals:
    """Return each image's sum over classes of (probability - truth) squared, [n]; 0 to 2.

    Their mean is the multi-class score of Brier, "Verification of Forecasts Expressed in Terms
    of Probability", Monthly Weather Review 78, 1950.
    """
    differences = probabilities.astype(np.float64)
    differences[np.arange(len(truth)), truth] -= 1
    return np.asarray((differences**2).sum(axis=1), dtype=np.float64)


def _hits(confusion: Labels) -> Labels:
    return np.asarray(np.diagonal(confusion[..., :-1], axis1=-2, axis2=-1))


def _predicted(confusion: Labels) -> Labels:
    return np.asarray(confusion[..., :-1].sum(axis=-2))


def _ratio(above: ArrayLike, below: ArrayLike) -> Reals:
    parts, wholes = np.asarray(above, np.float64), np.asarray(below, np.float64)
    result = np.full(np.broadcast_shapes(parts.shape, wholes.shape), np.nan)
    np.divide(parts, wholes, out=result, where=wholes > 0)
    return result
