"""Intervals: against a plain loop, and against the formula for a share."""

from __future__ import annotations

import numpy as np
import pytest

from semblante.emotions import EMOTIONS
from semblante_worker.evaluation.bootstrap import Outcomes, estimate, sum_all, sum_resamples
from semblante_worker.evaluation.evaluation import evaluate_predictions


def outcomes(images: int, hits: int) -> Outcomes:
    noise = np.random.default_rng(5)
    predicted = np.array([0] * hits + [1] * (images - hits))
    return Outcomes(
        classes=2,
        truth=np.zeros(images, np.int64),
        predicted=predicted,
        bins=noise.integers(0, 15, images),
        gaps=noise.normal(size=images),
        squares=noise.random(images),
    )


def test_sums_of_the_images_themselves() -> None:
    data = outcomes(10, 7)
    sums = sum_all(data)
    assert sums.confusion.tolist() == [[[7, 3, 0], [0, 0, 0]]]
    assert sums.squares == pytest.approx(data.squares.sum())
    expected = [data.gaps[data.bins == number].sum() for number in range(15)]
    assert sums.gaps[0] == pytest.approx(np.array(expected))


def test_every_resample_has_as_many_images_and_the_seed_fixes_them() -> None:
    data = outcomes(200, 160)
    sums, again = sum_resamples(data, 300), sum_resamples(data, 300)
    assert sums.confusion.shape == (300, 2, 3)
    assert set(sums.confusion.sum(axis=(1, 2)).tolist()) == {200}
    assert len(np.unique(sums.confusion[:, 0, 0])) > 10
    assert np.array_equal(sums.gaps, again.gaps)
    assert sums.gaps.sum(axis=1).std() == pytest.approx(data.gaps.std() * 200**0.5, rel=0.15)
    assert sums.squares.mean() == pytest.approx(data.squares.sum(), rel=0.02)


def test_resamples_do_not_depend_on_how_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = outcomes(50, 20)
    whole = sum_resamples(data, 100)
    monkeypatch.setattr("semblante_worker.evaluation.bootstrap._NUMBERS_AT_ONCE", 150)
    assert np.array_equal(sum_resamples(data, 100).confusion, whole.confusion)


def test_the_interval_of_a_share_is_that_of_the_normal_distribution() -> None:
    truth = np.array([0] * 2000)
    predicted = np.array([0] * 1600 + [1] * 400)
    probabilities = np.eye(7, dtype=np.float32)[predicted]
    accuracy = evaluate_predictions(truth, probabilities, EMOTIONS, {}).scores.accuracy
    half = 1.96 * (0.8 * 0.2 / 2000) ** 0.5
    assert accuracy.value == 0.8
    assert accuracy.low == pytest.approx(0.8 - half, abs=0.002)
    assert accuracy.high == pytest.approx(0.8 + half, abs=0.002)


def test_what_is_not_defined_has_no_estimate() -> None:
    one, nothing = np.array(0.5), np.array(np.nan)
    assert estimate(nothing, np.array([0.1, 0.2])) is None
    assert estimate(one, np.array([np.nan, np.nan])) is None
    found = estimate(one, np.array([np.nan, 0.25, 0.25]))
    assert found is not None
    assert (found.value, found.low, found.high) == (0.5, 0.25, 0.25)
