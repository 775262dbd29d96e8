"""Which pictures set the ranges of int8."""

from __future__ import annotations

import numpy as np

from semblante_worker.export.calibration import stratified_rows


def test_rows_keep_the_shares_of_the_classes() -> None:
    truth = np.random.default_rng(4).permutation(np.repeat([0, 1, 2], [700, 250, 50]))
    rows = stratified_rows(truth, 100)
    assert rows == sorted(set(rows))
    assert np.bincount(truth[rows]).tolist() == [70, 25, 5]


def test_few_pictures_are_all_taken() -> None:
    assert stratified_rows(np.array([1, 0, 1]), 300) == [0, 1, 2]
