"""Figures against scikit-learn, by hand, and by what must hold for any labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from semblante.emotions import EMOTIONS
from semblante_worker.evaluation import metrics
from semblante_worker.evaluation.evaluation import evaluate_predictions
from semblante_worker.evaluation.figures import Evaluation
from semblante_worker.evaluation.metrics import Labels

THREE = EMOTIONS[:3]


def sample(images: int, classes: int, seed: int) -> tuple[Labels, NDArray[np.float32]]:
    noise = np.random.default_rng(seed)
    truth = noise.integers(0, classes, images)
    logits = noise.normal(size=(images, classes)) * 2
    logits[np.arange(images), truth] += 1.5
    powers = np.exp(logits)
    return truth, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(("images", "classes", "seed"), [(500, 7, 1), (40, 3, 2), (12, 7, 3)])
def test_figures_are_those_of_scikit_learn(images: int, classes: int, seed: int) -> None:
    truth, probabilities = sample(images, classes, seed)
    predicted = probabilities.argmax(axis=1)
    found = evaluate_predictions(truth, probabilities, EMOTIONS[:classes], {}, resamples=20)

    assert found.scores.accuracy.value == pytest.approx(accuracy_score(truth, predicted))
    present = sorted(set(truth.tolist()))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=range(classes), zero_division=np.nan
    )
    for number, one in enumerate(found.per_class):
        assert one.support == support[number]
        if one.precision is not None:
            assert one.precision.value == pytest.approx(precision[number])
        if one.support:
            assert one.recall is not None
            assert one.f1 is not None
            assert one.recall.value == pytest.approx(recall[number])
            assert one.f1.value == pytest.approx(f1[number])
        else:
            assert one.recall is None
            assert one.f1 is None
    assert found.scores.mean_recall is not None
    assert found.scores.macro_f1 is not None
    if len(present) == classes:
        balanced = balanced_accuracy_score(truth, predicted)
        assert found.scores.mean_recall.value == pytest.approx(balanced)
    macro = f1_score(truth, predicted, labels=present, average="macro", zero_division=0)
    assert found.scores.macro_f1.value == pytest.approx(macro)
    matrix = confusion_matrix(truth, predicted, labels=range(classes))
    assert found.confusion.tolist() == matrix.tolist()
    brier = brier_score_loss(truth, probabilities, labels=range(classes), scale_by_half=False)
    assert found.brier.value == pytest.approx(brier, abs=1e-6)


def test_figures_by_hand() -> None:
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array(
        [[0.75, 0.25, 0], [0.25, 0.75, 0], [0.25, 0.75, 0], [0, 0.5, 0.5]], np.float32
    )
    found = evaluate_predictions(truth, probabilities, THREE, {}, resamples=10)
    assert found.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert found.scores.accuracy.value == 0.75
    first, second, third = found.per_class
    assert first.precision is not None
    assert (first.precision.value, first.support, first.predicted) == (1.0, 2, 1)
    assert second.precision is not None
    assert second.precision.value == pytest.approx(2 / 3)
    assert (third.precision, third.recall, third.f1, third.support) == (None, None, None, 0)
    # Sums of squares 0.125, 1.125, 0.125 and 0.5.
    assert found.brier.value == pytest.approx(1.875 / 4)
    # (0.733, 0.8] holds 3 images of confidence 0.75, 2 right; (0.467, 0.533] one, right.
    expected = 3 / 4 * abs(0.75 - 2 / 3) + 1 / 4 * abs(0.5 - 1)
    assert found.calibration_error.value == pytest.approx(expected)
    filled = [one for one in found.reliability if one.images]
    assert [(one.images, one.confidence) for one in filled] == [(1, 0.5), (3, 0.75)]
    assert found.reliability[7] == filled[0]
    assert found.reliability[11] == filled[1]
    assert found.mean_confidence == 0.6875


def test_bins_hold_their_upper_edge() -> None:
    confidences = np.array([1 / 15, 1 / 15 + 1e-9, 0.2, 0.5, 14 / 15, 1.0, 0.0])
    assert metrics.bins_of(confidences).tolist() == [0, 1, 2, 7, 13, 14, 0]


def test_failed_images_count_both_ways() -> None:
    truth, probabilities = np.array([0, 0, 1, 1]), np.eye(3, dtype=np.float32)[[0, 0, 1, 0]]
    failed = {"corrupt_image": 1, "no_face": 3}
    found = evaluate_predictions(
        truth, probabilities, THREE, failed, failed_truth=np.array([0, 0, 1, 2]), resamples=50
    )
    assert (found.images, found.labelled) == (8, 4)
    assert found.scores.accuracy.value == 0.75
    wrong = found.scores_with_failed
    assert wrong.accuracy.value == 0.375
    assert found.scores.mean_recall is not None
    assert wrong.mean_recall is not None
    assert wrong.macro_f1 is not None
    assert found.scores.mean_recall.value == 0.75  # 2/2 and 1/2
    assert wrong.mean_recall.value == pytest.approx((2 / 4 + 1 / 3 + 0) / 3)
    assert wrong.macro_f1.value == pytest.approx((4 / 7 + 2 / 4 + 0) / 3)
    assert found.confusion.sum() == 4

    counts_only = evaluate_predictions(truth, probabilities, THREE, failed, resamples=50)
    assert counts_only.scores_with_failed.accuracy.value == 0.375
    assert counts_only.scores_with_failed.mean_recall is None
    assert counts_only.scores_with_failed.macro_f1 is None


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(2, 7), st.integers(0, 10_000))
def test_the_order_of_images_changes_nothing(images: int, classes: int, seed: int) -> None:
    truth, probabilities = sample(images, classes, seed)
    order = np.random.default_rng(seed).permutation(images)
    left = evaluate_predictions(truth, probabilities, EMOTIONS[:classes], {}, resamples=30)
    right = evaluate_predictions(
        truth[order], probabilities[order], EMOTIONS[:classes], {}, resamples=30
    )
    assert figures(left) == pytest.approx(figures(right), abs=1e-9)
    assert left.confusion.tolist() == right.confusion.tolist()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=50))
def test_perfect_labels_are_perfect(labels: list[int]) -> None:
    truth = np.array(labels, np.int64)
    found = evaluate_predictions(truth, np.eye(7, dtype=np.float32)[truth], EMOTIONS, {})
    assert figures(found) == [1.0] * 9 + [0.0] * 6


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(2, 7), st.integers(0, 10_000))
def test_figures_keep_their_ranges(images: int, classes: int, seed: int) -> None:
    truth, probabilities = sample(images, classes, seed)
    found = evaluate_predictions(truth, probabilities, EMOTIONS[:classes], {}, resamples=30)
    values = figures(found)
    assert all(0 <= value <= 1 for value in values[:12])
    assert all(0 <= value <= 2 for value in values[12:])
    assert sum(one.images for one in found.reliability) == images == found.confusion.sum()


def figures(found: Evaluation) -> list[float]:
    scores = found.scores
    estimates = (
        scores.accuracy,
        scores.mean_recall,
        scores.macro_f1,
        found.calibration_error,
        found.brier,
    )
    return [
        number
        for estimate in estimates
        if estimate is not None
        for number in (estimate.value, estimate.low, estimate.high)
    ]


@pytest.mark.parametrize(
    ("truth", "probabilities", "message"),
    [
        ([], np.empty((0, 3)), "no labelled image"),
        ([0, 1], np.full((2, 2), 0.5), "need probabilities"),
        ([0, 3], np.full((2, 3), 1 / 3), "from 0 to 2"),
        ([0, 1], np.full((2, 3), np.nan), "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(
    truth: list[int], probabilities: metrics.Reals, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_predictions(np.array(truth, np.int64), probabilities.astype(np.float32), THREE, {})


def test_failed_classes_must_be_as_many_as_failed_images() -> None:
    with pytest.raises(ValueError, match="2 images failed, but 1"):
        evaluate_predictions(
            np.array([0]),
            np.eye(3, dtype=np.float32)[:1],
            THREE,
            {"no_face": 2},
            failed_truth=np.array([1]),
        )
