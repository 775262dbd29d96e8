"""The evaluation of a model: every figure that a report shows, from labels and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from semblante.emotions import Emotion
from semblante_worker.evaluation import metrics
from semblante_worker.evaluation.bootstrap import (
    RESAMPLES,
    Estimate,
    Outcomes,
    Sums,
    estimate,
    sum_all,
    sum_resamples,
)
from semblante_worker.evaluation.figures import ClassFigures, Evaluation, ReliabilityBin, Scores
from semblante_worker.evaluation.metrics import BINS, Labels, Reals


def evaluate_predictions(
    truth: Labels,
    probabilities: NDArray[np.float32],
    classes: Sequence[Emotion],
    failed: Mapping[str, int],
    *,
    failed_truth: Labels | None = None,
    predicted: Labels | None = None,
    resamples: int = RESAMPLES,
) -> Evaluation:
    """Measure the labels of n images, n > 0.

    Args:
        truth: int64 [n], the true class of each labelled image.
        probabilities: float32 [n, c], each row sums to 1.
        classes: the c classes of the model, in its order.
        failed: how many images have no label, by code.
        failed_truth: int64 [m], the true classes of those, where they are known.
        predicted: int64 [n], the labels, where rounded probabilities cannot tell them; else the
            most probable class.
        resamples: how many bootstrap samples the intervals come from; their seed is fixed.

    Raises:
        ValueError: the arguments do not fit each other, or there is no image.
    """
    if predicted is None:
        predicted = probabilities.argmax(axis=1).astype(np.int64)
    _check(truth, probabilities, predicted, len(classes))
    failures = sum(failed.values())
    if failed_truth is not None and len(failed_truth) != failures:
        raise ValueError(f"{failures} images failed, but {len(failed_truth)} classes are given")

    confidences = probabilities[np.arange(len(truth)), predicted].astype(np.float64)
    outcomes = Outcomes(
        classes=len(classes),
        truth=truth,
        predicted=predicted,
        bins=metrics.bins_of(confidences),
        gaps=confidences - (truth == predicted),
        squares=metrics.brier_parts(truth, probabilities),
    )
    whole, drawn = sum_all(outcomes), sum_resamples(outcomes, resamples)
    scores = _scores(whole, drawn)
    scores_with_failed = scores
    if failures:
        more = _with_failed(outcomes, failures, failed_truth)
        scores_with_failed = _scores(sum_all(more), sum_resamples(more, resamples))
        if failed_truth is None:
            scores_with_failed = Scores(scores_with_failed.accuracy, None, None)
    return Evaluation(
        classes=tuple(classes),
        labelled=len(truth),
        failed=dict(failed),
        scores=scores,
        scores_with_failed=scores_with_failed,
        calibration_error=_sure(
            metrics.calibration_error(whole.gaps, len(truth)),
            metrics.calibration_error(drawn.gaps, len(truth)),
        ),
        brier=_sure(whole.squares / len(truth), drawn.squares / len(truth)),
        mean_confidence=float(confidences.mean()),
        per_class=tuple(_class_figures(whole, drawn, classes)),
        confusion=whole.confusion[0, :, :-1],
        reliability=_reliability(outcomes, confidences),
        resamples=resamples,
    )


def _check(
    truth: Labels, probabilities: NDArray[np.float32], predicted: Labels, classes: int
) -> None:
    images = len(truth)
    if images == 0:
        raise ValueError("there is no labelled image")
    if probabilities.shape != (images, classes) or predicted.shape != (images,):
        raise ValueError(
            f"need probabilities [{images}, {classes}] and labels [{images}], "
            f"not {probabilities.shape} and {predicted.shape}"
        )
    for labels in (truth, predicted):
        if labels.min() < 0 or labels.max() >= classes:
            raise ValueError(f"classes must be from 0 to {classes - 1}")
    if not np.isfinite(probabilities).all():
        raise ValueError("the probabilities are not finite")


def _with_failed(outcomes: Outcomes, failures: int, failed_truth: Labels | None) -> Outcomes:
    """Add the images without a label; their class does not matter where it is not known."""
    if failed_truth is None:
        failed_truth = np.zeros(failures, np.int64)
    nothing = np.zeros(failures)
    return Outcomes(
        classes=outcomes.classes,
        truth=np.concatenate([outcomes.truth, failed_truth]),
        predicted=np.concatenate(
            [outcomes.predicted, np.full(failures, outcomes.classes, np.int64)]
        ),
        bins=np.concatenate([outcomes.bins, np.zeros(failures, np.int64)]),
        gaps=np.concatenate([outcomes.gaps, nothing]),
        squares=np.concatenate([outcomes.squares, nothing]),
    )


def _scores(whole: Sums, drawn: Sums) -> Scores:
    def both(sums: Sums) -> tuple[Reals, Reals, Reals]:
        confusion = sums.confusion
        return (
            metrics.accuracy(confusion),
            metrics.mean_defined(metrics.recalls(confusion)),
            metrics.mean_defined(metrics.f1_scores(confusion)),
        )

    accuracy, recall, f1 = (
        _sure(value, samples) for value, samples in zip(both(whole), both(drawn), strict=True)
    )
    return Scores(accuracy, recall, f1)


def _class_figures(whole: Sums, drawn: Sums, classes: Sequence[Emotion]) -> list[ClassFigures]:
    figures = [
        (function(whole.confusion), function(drawn.confusion))
        for function in (metrics.precisions, metrics.recalls, metrics.f1_scores)
    ]
    confusion = whole.confusion[0]
    result = []
    for number, emotion in enumerate(classes):
        precision, recall, f1 = (
            estimate(value[0, number], samples[:, number]) for value, samples in figures
        )
        support, predicted = int(confusion[number].sum()), int(confusion[:, number].sum())
        result.append(ClassFigures(emotion, support, predicted, precision, recall, f1))
    return result


def _reliability(outcomes: Outcomes, confidences: Reals) -> tuple[ReliabilityBin, ...]:
    hits = outcomes.truth == outcomes.predicted
    edges = np.linspace(0, 1, BINS + 1)
    result = []
    for number in range(BINS):
        inside = outcomes.bins == number
        count = int(inside.sum())
        confidence = float(confidences[inside].mean()) if count else None
        accuracy = float(hits[inside].mean()) if count else None
        low, high = float(edges[number]), float(edges[number + 1])
        result.append(ReliabilityBin(low, high, count, confidence, accuracy))
    return tuple(result)


def _sure(value: Reals, samples: Reals) -> Estimate:
    """Return the estimate of a figure that is always defined; `value` is [1]."""
    result = estimate(value[0], samples)
    if result is None:
        raise ValueError("the figure is not defined")
    return result
