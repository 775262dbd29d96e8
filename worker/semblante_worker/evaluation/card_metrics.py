"""What a card says of an evaluation."""

from __future__ import annotations

from semblante.card import Interval, Metrics
from semblante_worker.evaluation.bootstrap import Estimate
from semblante_worker.evaluation.figures import Evaluation


def metrics_of(evaluation: Evaluation, note: str | None = None) -> Metrics:
    """Return the headline figures of the labelled images, with their intervals."""
    scores, recall = evaluation.scores, evaluation.scores.mean_recall
    return Metrics(
        n=evaluation.labelled,
        accuracy=round(scores.accuracy.value, 4),
        accuracy_interval=_interval(scores.accuracy),
        mean_recall=None if recall is None else round(recall.value, 4),
        mean_recall_interval=None if recall is None else _interval(recall),
        ece=round(evaluation.calibration_error.value, 4),
        ece_interval=_interval(evaluation.calibration_error),
        confusion=tuple(tuple(map(int, row)) for row in evaluation.confusion),
        note=note,
    )


def _interval(estimate: Estimate) -> Interval:
    return round(estimate.low, 4), round(estimate.high, 4)
