"""Temperature scaling: one number that makes confidences honest and changes no label.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = 0.05, 20.0
"""The temperatures that are looked at: beyond them the logits themselves are of no use."""

_HALVINGS = 60
_FLAT = 1e-12


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature in [0.05, 20] that gives `labels` the greatest likelihood.

    With b = 1/T the mean negative log-likelihood is convex; its derivative, the mean of what the
    softmax expects of a logit minus the true one, grows with b. So its zero is found by halving.
    Where every temperature is as good, the answer is 1; where none is best (every image right by
    a margin, say), it is the bound on the better side.

    Args:
        logits: float32 [n, c], n > 0, before any temperature.
        labels: int64 [n], each from 0 to c - 1.

    Raises:
        ValueError: shapes, labels or logits are not as described, or not finite.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or logits.size == 0:
        raise ValueError(f"need logits [n, c] and labels [n], not {logits.shape}, {labels.shape}")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"labels must be from 0 to {logits.shape[1] - 1}")
    if not np.isfinite(logits).all():
        raise ValueError("the logits are not finite")
    gaps = logits.astype(np.float64)
    gaps -= gaps[np.arange(len(labels)), labels][:, np.newaxis]
    low, high = np.log(1 / MOST), np.log(1 / LEAST)
    slope_at_low, slope_at_high = _slope(gaps, np.exp(low)), _slope(gaps, np.exp(high))
    if abs(slope_at_low) < _FLAT and abs(slope_at_high) < _FLAT:
        return 1.0
    if slope_at_low >= 0:
        return MOST
    if slope_at_high <= 0:
        return LEAST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _slope(gaps, np.exp(middle)) < 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def _slope(gaps: NDArray[np.float64], inverse: float) -> float:
    """The derivative of the loss by 1/T; `gaps` [n, c] are logits minus the true class's."""
    scaled = gaps * inverse
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    expected = (powers * gaps).sum(axis=1) / powers.sum(axis=1)
    return float(expected.mean())
