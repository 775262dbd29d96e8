"""`metrics.json`: an evaluation as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from semblante_worker.evaluation.bootstrap import LEVEL, SEED, Estimate
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.evaluation.figures import ClassFigures, Evaluation, Scores
from semblante_worker.evaluation.subject import Subject

FORMAT = 1
"""Grows when a field changes its meaning or goes away."""
_DECIMALS = 6


def as_document(
    evaluation: Evaluation, subject: Subject | None, curves: Sequence[EpochRecord] | None
) -> dict[str, Any]:
    """Return the content of `metrics.json`; docs/evaluation.md has its fields."""
    rows = evaluation.confusion
    return {
        "format": FORMAT,
        "subject": asdict(subject) if subject else None,
        "images": evaluation.images,
        "labelled": evaluation.labelled,
        "failed": evaluation.failed,
        "left_out": _scores(evaluation.scores),
        "counted_as_wrong": _scores(evaluation.scores_with_failed),
        "ece": _estimate(evaluation.calibration_error),
        "brier": _estimate(evaluation.brier),
        "mean_confidence": _number(evaluation.mean_confidence),
        "classes": [_class(figures) for figures in evaluation.per_class],
        "confusion": rows.tolist(),
        "confusion_by_row": [
            [_number(int(count) / int(row.sum())) if row.sum() else None for count in row]
            for row in rows
        ],
        "reliability": [
            {name: _number(value) for name, value in asdict(one).items()}
            for one in evaluation.reliability
        ],
        "intervals": {"level": LEVEL, "resamples": evaluation.resamples, "seed": SEED},
        "curves": [record.as_values() for record in curves] if curves is not None else None,
    }


def _scores(scores: Scores) -> dict[str, Any]:
    return {
        "accuracy": _estimate(scores.accuracy),
        "mean_recall": _estimate(scores.mean_recall),
        "macro_f1": _estimate(scores.macro_f1),
    }


def _class(figures: ClassFigures) -> dict[str, Any]:
    return {
        **figures.emotion._asdict(),
        "support": figures.support,
        "predicted": figures.predicted,
        "precision": _estimate(figures.precision),
        "recall": _estimate(figures.recall),
        "f1": _estimate(figures.f1),
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {name: _number(value) for name, value in asdict(estimate).items()}


def _number(value: float | int | None) -> float | int | None:
    return round(value, _DECIMALS) if isinstance(value, float) else value
