"""From a picture to training pixels: what a recipe's `augmentation` says, on Pillow's images.

Colour is reduced first, as in evaluation; normalisation follows in `pixels.py`, on batches. All
random numbers come from torch's CPU generator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from semblante.card import Preprocess
from semblante_worker.preprocess import reduce_colour, resize
from semblante_worker.training.recipe import Augmentation
from semblante_worker.vision import load_torchvision


def build_augmentation(recipe: Augmentation, spec: Preprocess) -> nn.Module:
    """Return the steps from a picture to uint8 [1, h, w] (grey) or [3, h, w] (rgb)."""
    v2 = load_torchvision().transforms.v2
    grey = [round(mean * 255) for mean in spec.mean]
    fill: Any = grey[0] if spec.colour == "grey" else grey
    filtering = v2.InterpolationMode(spec.interpolation)
    size = spec.crop or spec.resize
    steps: list[nn.Module] = [_Colour(spec)]
    if recipe.crop_scale:
        steps.append(v2.RandomResizedCrop(size, recipe.crop_scale, recipe.crop_ratio, filtering))
    else:
        steps += [_Resize(spec), v2.CenterCrop(size)]
    if recipe.flip:
        steps.append(v2.RandomHorizontalFlip(recipe.flip))
    if recipe.rotation or recipe.shift or recipe.zoom or recipe.shear:
        steps.append(
            v2.RandomAffine(
                recipe.rotation,
                (recipe.shift, recipe.shift),
                recipe.zoom,
                recipe.shear or None,
                interpolation=v2.InterpolationMode.BILINEAR,
                fill=fill,
            )
        )
    if recipe.brightness or recipe.contrast:
        steps.append(v2.ColorJitter(recipe.brightness, recipe.contrast))
    if recipe.low_resolution:
        steps.append(_LowResolution(recipe.low_resolution, recipe.low_resolution_side))
    if recipe.operations:
        steps.append(v2.RandAugment(recipe.operations, recipe.magnitude, fill=fill))
    steps.append(v2.PILToTensor())
    if recipe.erasing:
        value = fill if spec.colour == "grey" else [float(level) for level in grey]
        steps.append(v2.RandomErasing(recipe.erasing, scale=(0.02, 0.2), value=value))
    return nn.Sequential(*steps)


class _Colour(nn.Module):
    """Grey or colours, as in evaluation."""

    def __init__(self, spec: Preprocess) -> None:
        super().__init__()
        self._spec = spec

    def forward(self, image: Image.Image) -> Image.Image:
        return reduce_colour(image, self._spec)


class _Resize(nn.Module):
    """The size before the cut, as in evaluation."""

    def __init__(self, spec: Preprocess) -> None:
        super().__init__()
        self._spec = spec

    def forward(self, image: Image.Image) -> Image.Image:
        return Image.fromarray(resize(np.asarray(image), self._spec))


class _LowResolution(nn.Module):
    """Now and then, what a small picture that was enlarged looks like."""

    def __init__(self, probability: float, side: int) -> None:
        super().__init__()
        self._probability = probability
        self._side = side

    def forward(self, image: Image.Image) -> Image.Image:
        if float(torch.rand(())) >= self._probability:
            return image
        least = min(self._side / min(image.size), 1.0)
        share = least + (1 - least) * float(torch.rand(()))
        small = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        reduced = image.resize(small, Image.Resampling.BILINEAR)
        return reduced.resize(image.size, Image.Resampling.BILINEAR)


def to_pixels(image: Image.Image, steps: nn.Module) -> Tensor:
    """Return uint8 [h, w] or [h, w, 3] of one augmented picture, the layout of evaluation."""
    pixels: Tensor = steps(image)
    return pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)
