"""Faces of two halves: which pictures they are made of."""

from __future__ import annotations

import numpy as np
import torch

from model_runs.distillation.make_views import join_some

VALUES = (0.0, 10.0, 20.0, 100.0, 110.0, 120.0)
IS_RAFDB = np.array([True, True, True, False, False, False])


def pictures() -> torch.Tensor:
    """Six pictures of one colour each."""
    return torch.tensor(VALUES)[:, None, None, None].expand(-1, 3, 16, 16)


def test_halves_come_from_pictures_of_the_same_source() -> None:
    torch.manual_seed(1)
    joined = join_some(pictures(), np.ones(6, bool), IS_RAFDB)
    assert joined[:3].max() <= 20
    assert joined[3:].min() >= 100
    assert any(picture.max() - picture.min() > 5 for picture in joined)


def test_other_pictures_stay_as_they_are() -> None:
    torch.manual_seed(1)
    is_joined = np.array([True, False, True, True, False, True])
    joined = join_some(pictures(), is_joined, IS_RAFDB)
    for place in (1, 4):
        assert torch.equal(joined[place], pictures()[place])
    assert join_some(pictures(), np.zeros(6, bool), IS_RAFDB).equal(pictures())
