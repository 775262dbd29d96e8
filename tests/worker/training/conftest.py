"""Fixtures of the tests of training: one thread, and a tiny recipe that ends in a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from semblante_worker.training.recipe import Recipe
from semblante_worker.training.recipe_files import load_recipe

Tiny = Callable[..., Recipe]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tests run side by side, and threads that outnumber the cores wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


TINY = (
    "pretrained=false",
    "preprocess.resize=[32,32]",
    "batch_size=8",
    "learning_rates.head=0.01",
)


@pytest.fixture
def tiny() -> Tiny:
    """Return a maker of the first system's recipe at 32 px; it takes further changes."""
    return lambda *changes: load_recipe("mobilenetv2-transfer", (*TINY, "epochs=3", *changes))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Return a data set of three classes, 8 pictures each."""
    from picture_sets import write_folder

    names = ("feliz", "triste", "estresado")
    return write_folder(tmp_path / "faces", {f"train/{name}": 8 for name in names})
