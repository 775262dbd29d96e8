from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from semblante_worker.evaluation.temperature import LEAST, MOST, fit_temperature

Drawn = tuple[NDArray[np.float32], NDArray[np.int64]]


def overconfident(factor: float, images: int = 20_000) -> Drawn:
    """Labels drawn from softmax(z), and logits that are z times `factor`."""
    noise = np.random.default_rng(8)
    honest = noise.normal(size=(images, 5)) * 2
    gumbel = noise.gumbel(size=honest.shape)
    labels = (honest + gumbel).argmax(axis=1)
    return (honest * factor).astype(np.float32), labels


def loss(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float) -> float:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    logs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_the_temperature_that_made_the_logits_is_found(factor: float) -> None:
    logits, labels = overconfident(factor)
    assert fit_temperature(logits, labels) == pytest.approx(factor, rel=0.02)


def test_it_is_the_least_loss_that_scipy_finds() -> None:
    logits, labels = overconfident(1.7, images=300)
    found = minimize_scalar(
        lambda log: loss(logits, labels, float(np.exp(log))),
        bounds=(-3, 3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert fit_temperature(logits, labels) == pytest.approx(float(np.exp(found.x)), rel=1e-5)


def test_a_constant_added_to_a_row_changes_nothing() -> None:
    logits, labels = overconfident(2.0, images=500)
    shifted = logits + np.random.default_rng(1).normal(size=(500, 1)).astype(np.float32) * 50
    assert fit_temperature(shifted, labels) == pytest.approx(
        fit_temperature(logits, labels), rel=1e-4
    )


def test_where_none_is_best_it_is_a_bound_and_without_information_one() -> None:
    logits, labels = np.eye(3, dtype=np.float32), np.arange(3)
    assert fit_temperature(logits, labels) == LEAST
    assert fit_temperature(-logits, labels) == MOST
    assert fit_temperature(np.zeros((3, 3), np.float32), labels) == 1.0


def test_large_logits_stay_finite() -> None:
    logits = np.array([[3e4, 0], [0, 3e4], [3e4, 0], [0, 1]], np.float32)
    assert fit_temperature(logits, np.array([0, 1, 1, 1])) == MOST


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros((0, 3)), [], "need logits"),
        (np.zeros((2, 3)), [0], "need logits"),
        (np.zeros((2, 3)), [0, 3], "from 0 to 2"),
        (np.full((2, 3), np.inf), [0, 1], "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(
    logits: NDArray[np.float64], labels: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_temperature(logits.astype(np.float32), np.array(labels, np.int64))
