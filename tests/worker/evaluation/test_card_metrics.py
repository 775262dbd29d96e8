"""Cards say what was measured, with intervals."""

from __future__ import annotations

import numpy as np

from semblante.emotions import EMOTIONS
from semblante_worker.evaluation.card_metrics import metrics_of
from semblante_worker.evaluation.measured import Measured


def _measured() -> Measured:
    truth = np.repeat(np.arange(7), 20)
    predicted = truth.copy()
    predicted[::10] = (predicted[::10] + 1) % 7
    probabilities = np.full((140, 7), 0.02, np.float32)
    probabilities[np.arange(140), predicted] = 0.88
    return Measured(
        numbers=np.arange(140),
        paths=tuple(f"{number}.png" for number in range(140)),
        truth=truth,
        predicted=predicted,
        probabilities=probabilities,
        failed={"corrupt_image": 2},
        failed_truth=np.zeros(2, dtype=np.int64),
    )


def test_figures_and_intervals() -> None:
    metrics = metrics_of(_measured().evaluate(EMOTIONS), "A note.")
    assert (metrics.n, metrics.accuracy, metrics.mean_recall) == (140, 0.9, 0.9)
    assert metrics.ece is not None
    assert abs(metrics.ece - 0.02) < 1e-4
    for value, interval in (
        (metrics.accuracy, metrics.accuracy_interval),
        (metrics.mean_recall, metrics.mean_recall_interval),
    ):
        assert interval is not None
        assert value is not None
        assert interval[0] < value < interval[1]
    assert metrics.note == "A note."


def test_a_part_of_the_images() -> None:
    part = _measured().take(np.array([0, 1, 2]))
    assert part.paths == ("0.png", "1.png", "2.png")
    assert part.failed == {}
    assert metrics_of(part.evaluate(EMOTIONS)).accuracy == 0.6667
