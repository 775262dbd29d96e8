"""Augmentation: nothing of it is evaluation's input, each step does what it says, seeds decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from semblante.card import Preprocess
from semblante_worker.preprocess import prepare
from semblante_worker.training.augment import build_augmentation, to_pixels
from semblante_worker.training.recipe import Augmentation
from semblante_worker.training.recipe_files import load_recipe, recipe_names
from semblante_worker.training.seeds import seeded


def spec(**changes: Any) -> Preprocess:
    fields: dict[str, Any] = {
        "colour": "grey",
        "resize": (16, 20),
        "interpolation": "bilinear",
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
    }
    return Preprocess(**(fields | changes))


def noise() -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (24, 30, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("changes", [{}, {"crop": (8, 10)}, {"colour": "rgb", "crop": (12, 12)}])
def test_without_any_step_it_is_evaluations_input(changes: dict[str, Any]) -> None:
    steps = build_augmentation(Augmentation(), spec(**changes))
    pixels = to_pixels(noise(), steps).numpy()
    expected = prepare(noise(), spec(**changes))
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == expected.tolist()


def test_flip() -> None:
    steps = build_augmentation(Augmentation(flip=1.0), spec())
    assert to_pixels(noise(), steps).tolist() == prepare(noise(), spec())[:, ::-1].tolist()


def test_erasing_is_of_the_means_grey() -> None:
    steps = build_augmentation(Augmentation(erasing=1.0), spec())
    with seeded(1):
        changed = to_pixels(Image.new("L", (20, 16), 0), steps)
    assert set(changed.flatten().tolist()) == {0, 128}


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_every_recipe_depends_on_the_seed_only(name: str, colour: str) -> None:
    recipe = load_recipe(name, [f"preprocess.colour={colour}", "augmentation.operations=2"])
    steps = build_augmentation(recipe.augmentation, recipe.preprocess)
    results = []
    for seed in (1, 1, 2):
        with seeded(seed):
            results.append(to_pixels(noise(), steps).numpy())
    assert results[0].shape == recipe.preprocess.shape
    assert (results[0] == results[1]).all()
    assert (results[0] != results[2]).any()
