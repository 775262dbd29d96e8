"""What a student's answers are worth, by labels and by a judge's probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model_runs.distillation.judge_students import look_at, measure
from model_runs.distillation.pictures import CLASSES
from model_runs.distillation.student import build_student, save_student

ANSWER = 3


@pytest.fixture
def stubborn(tmp_path: Path) -> Path:
    """The weights of a student that answers the same to everything."""
    network = build_student()
    with torch.no_grad():
        network.fc.weight.zero_()
        network.fc.bias.copy_(torch.eye(CLASSES)[ANSWER])
    path = tmp_path / "stubborn.safetensors"
    save_student(network, path)
    return path


def test_labels_and_judges_say_how_right_each_answer_is(stubborn: Path) -> None:
    labels = np.array([ANSWER, 0, ANSWER, ANSWER])
    judged = np.random.default_rng(1).dirichlet(np.ones(CLASSES), 4).astype(np.float32)
    looks = look_at(torch.rand(4, 1, 32, 32) * 255, 0)
    right, expected, _ = measure(stubborn, looks, labels, judged)
    assert right.tolist() == [1, 0, 1, 1]
    assert expected == pytest.approx(judged[:, ANSWER])


def test_without_shaking_a_picture_is_seen_as_it_is_and_mirrored() -> None:
    pixels = torch.rand(2, 1, 8, 8)
    plain, mirrored = look_at(pixels, 0)
    assert torch.equal(plain, pixels)
    assert torch.equal(mirrored, pixels.flip(3))


def test_views_are_the_same_at_every_size_and_half_of_them_mirrored() -> None:
    ramp = torch.linspace(50, 200, 64).expand(1, 1, 64, 64).contiguous()
    small = torch.nn.functional.avg_pool2d(ramp, 2)
    for large, half in zip(look_at(ramp, 4), look_at(small, 4), strict=True):
        assert torch.allclose(torch.nn.functional.avg_pool2d(large, 2), half, atol=2)
    rises = [bool(view[..., -1].mean() > view[..., 0].mean()) for view in look_at(ramp, 4)]
    assert rises == [True, False, True, False]
