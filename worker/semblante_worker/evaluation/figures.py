"""What an evaluation consists of: the typed figures that reports and files show."""

from __future__ import annotations

from dataclasses import dataclass

from semblante.emotions import Emotion
from semblante_worker.evaluation.bootstrap import Estimate
from semblante_worker.evaluation.metrics import Labels


@dataclass(frozen=True)
class Scores:
    """The headline figures. Means go over the classes that have images.

    `mean_recall` and `macro_f1` are None where the true classes of failed images are not known.
    """

    accuracy: Estimate
    mean_recall: Estimate | None
    macro_f1: Estimate | None


@dataclass(frozen=True)
class ClassFigures:
    """One class: how many images it has and got, and how good its labels are.

    None stands for what is not defined: see `metrics`.
    """

    emotion: Emotion
    support: int
    predicted: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


@dataclass(frozen=True)
class ReliabilityBin:
    """The images with a confidence in (low, high]: mean confidence and accuracy, None if empty."""

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    `labelled` images have a label; `failed` counts the others by code, `no_face` among them.
    `scores` leaves those out, `scores_with_failed` counts them as wrong. Everything else is about
    labelled images only. `confusion` is int64 [c, c], rows are true classes.
    """

    classes: tuple[Emotion, ...]
    labelled: int
    failed: dict[str, int]
    scores: Scores
    scores_with_failed: Scores
    calibration_error: Estimate
    brier: Estimate
    mean_confidence: float
    per_class: tuple[ClassFigures, ...]
    confusion: Labels
    reliability: tuple[ReliabilityBin, ...]
    resamples: int

    @property
    def images(self) -> int:
        """All images, with and without a label."""
        return self.labelled + sum(self.failed.values())
