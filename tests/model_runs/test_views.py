"""Targets as sure as asked for, and views drawn the oftener the less sure their teachers are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_runs.distillation.pictures import CLASSES, Pictures
from model_runs.distillation.views import doubts, read_views, sharpen

SURE = np.array([0.94, *[0.01] * 6], np.float32)
UNSURE = np.array([0.5, 0.44, *[0.012] * 5], np.float32)


def pictures() -> Pictures:
    """Two of RAF-DB, of one class, and one of FERPlus."""
    return Pictures(
        pixels=np.zeros((3, 1, 4, 4), np.uint8),
        targets=np.eye(CLASSES, dtype=np.float32)[[0, 0, 1]],
        labels=np.array([0, 0, 1]),
        is_rafdb=np.array([True, True, False]),
        is_held_out=np.zeros(3, np.bool_),
    )


def written(folder: Path) -> Path:
    """A file of one view of each; the teachers doubt of the second."""
    said = np.stack([SURE, UNSURE, SURE]).astype(np.float16)
    path = folder / "views.npz"
    np.savez(
        path,
        pixels=np.zeros((3, 4, 4), np.uint8),
        rows=np.arange(3),
        is_mixed=np.array([True, True, True]),
        faces=said,
        resnets=said,
        embeddings=np.arange(6, dtype=np.float16).reshape(3, 2),
    )
    return path


def test_probabilities_become_surer_or_less_sure() -> None:
    shares = np.stack([SURE, UNSURE])
    assert np.allclose(sharpen(shares, 1.0), shares, atol=1e-6)
    squared = shares**2 / (shares**2).sum(axis=1, keepdims=True)
    assert np.allclose(sharpen(shares, 0.5), squared, atol=1e-6)
    assert (sharpen(shares, 2.0).max(axis=1) < shares.max(axis=1)).all()


def test_doubt_is_the_entropy() -> None:
    flat, certain = np.full((1, 7), 1 / 7, np.float32), np.eye(7, dtype=np.float32)[:1]
    assert doubts(flat) == pytest.approx(np.log(7), abs=1e-4)
    assert doubts(certain) == pytest.approx(0, abs=1e-4)


def test_views_that_teachers_doubt_of_are_drawn_oftener(tmp_path: Path) -> None:
    path = written(tmp_path)
    as_they_are = read_views([path], pictures())
    assert as_they_are.weights.tolist() == [0.5, 0.5]
    doubted = read_views([path], pictures(), temperature=0.5, least_doubt=0.25)
    assert doubted.weights.sum() == pytest.approx(1)
    sure, unsure = doubts(doubted.targets[:2].numpy()) + 0.25
    assert doubted.weights[1] / doubted.weights[0] == pytest.approx(unsure / sure, rel=1e-3)
    assert unsure > sure
