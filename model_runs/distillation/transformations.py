"""What views of a picture are made of; on float32 [n, 1 or 3, h, w] of 0 to 255.

Random numbers come from torch's CPU generator.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

GREY = 114.0
"""The mean of ImageNet's normalisation: what lies outside a picture, and what covers it."""


def between(low: float, high: float, count: int) -> Tensor:
    """Return that many uniform random numbers."""
    return torch.empty(count).uniform_(low, high)


def turn(count: int, scale: Tensor, degrees: float = 15, shift: float = 0.08) -> Tensor:
    """Return matrices [n, 2, 3] that turn by up to `degrees`, scale, and move by up to `shift`."""
    angle = between(-degrees, degrees, count) * math.pi / 180
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    across = torch.stack([cosine, -sine, between(-2 * shift, 2 * shift, count)], 1)
    down = torch.stack([sine, cosine, between(-2 * shift, 2 * shift, count)], 1)
    return torch.stack([across, down], 1)


def to_grey(x: Tensor) -> Tensor:
    """Return the luma (ITU-R BT.601) of pictures in colour; grey ones as they are."""
    if x.shape[1] == 1:
        return x
    return (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def lose_colour(x: Tensor, share: float) -> Tensor:
    """Make that share of the pictures grey, where they have colours."""
    if x.shape[1] == 1:
        return x
    return torch.where((torch.rand(len(x)) < share)[:, None, None, None], to_grey(x), x)


def warp(x: Tensor, matrices: Tensor, padding: str = "border", side: int | None = None) -> Tensor:
    """Take pictures through `matrices`, [n, 2, 3], to `side` pixels, or as many as they have.

    `zeros` as padding means grey.
    """
    height, width = (side, side) if side else x.shape[2:]
    grid = functional.affine_grid(matrices, [*x.shape[:2], height, width], align_corners=False)
    return functional.grid_sample(x - GREY, grid, align_corners=False, padding_mode=padding) + GREY


def blur(x: Tensor, share: float, smallest: int, largest: int) -> Tensor:
    """Make that share of the pictures small and large again."""
    blurred = torch.rand(len(x)) < share
    if not blurred.any():
        return x
    side = int(torch.randint(smallest, largest, ()))
    small = functional.interpolate(x[blurred], size=side, mode="bilinear", antialias=True)
    x = x.clone()
    x[blurred] = functional.interpolate(small, size=x.shape[-1], mode="bilinear")
    return x


def light(x: Tensor) -> Tensor:
    """Change contrast by up to 30 % and brightness by up to 30."""
    factor, summand = between(0.7, 1.3, len(x)), between(-30, 30, len(x))
    lit = (x - GREY) * factor[:, None, None, None] + GREY + summand[:, None, None, None]
    return lit.clamp(0, 255)


def resize(x: Tensor, side: int) -> Tensor:
    """Return views as a network of `side` pixels sees them.

    Their way has blurred them enough: smoothed before they are made smaller, they would be less
    sharp than what `prepare` makes of a picture of 100 px.
    """
    if x.shape[-1] == side:
        return x
    return functional.interpolate(x, size=side, mode="bilinear")


def mirror(x: Tensor) -> Tensor:
    """Mirror half of the pictures."""
    return torch.where((torch.rand(len(x)) < 0.5)[:, None, None, None], x.flip(3), x)


def erase(x: Tensor, share: float) -> Tensor:
    """Cover 2 to 20 % of that share of the pictures (Zhong et al., *Random Erasing*, 2020)."""
    side = x.shape[-1]
    x = x.clone()
    for row in torch.nonzero(torch.rand(len(x)) < share)[:, 0].tolist():
        area = float(between(0.02, 0.2, 1)) * side * side
        ratio = math.exp(float(between(-1, 1, 1)))
        height, width = min(side, int((area * ratio) ** 0.5)), min(side, int((area / ratio) ** 0.5))
        top, left = (int(torch.randint(side - length + 1, ())) for length in (height, width))
        x[row, :, top : top + height, left : left + width] = GREY
    return x


def halves(count: int, side: int) -> Tensor:
    """Return masks [n, 1, side, side] that are 1 on one side of a line near the centre, 0 beyond.

    The border is soft, about 12 of 112 pixels wide, so that no edge tells where it is.
    """
    angle, offset = between(0, 2 * math.pi, count), between(-0.3, 0.3, count)
    across = torch.linspace(-1, 1, side)
    cosine, sine = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    far = cosine * across + sine * across[:, None] - offset[:, None, None]
    return torch.sigmoid(far * 20)[:, None]
