"""Writing a bundle: half-precision weights, and a card that says where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from semblante.bundles import CARD, Bundle, read_bundle
from semblante.card import WEIGHTS, Card, CardFile
from semblante.replace import replaced_file


def round_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights as a bundle holds them: half precision, where that can hold the numbers.

    Whole numbers stay as they are.
    """
    rounded = {}
    for name, tensor in weights.items():
        half = tensor.half() if tensor.is_floating_point() else tensor
        rounded[name] = (half if torch.isfinite(half).all() else tensor).contiguous()
    return rounded


def write_bundle(folder: Path, weights: Mapping[str, Tensor], card: Card) -> Bundle:
    """Write weights, as `round_weights` returns them, and their card; return the bundle, verified.

    The card's entry of the weights is made here. The card is written last.
    """
    data = safetensors.torch.save(dict(weights))
    entry = CardFile(
        sha256=hashlib.sha256(data).hexdigest(),
        dtype="float16",
        keys=f"torchvision {card.architecture}, num_classes={len(card.classes)}",
    )
    with replaced_file(folder / WEIGHTS) as file:
        file.write(data)
    with replaced_file(folder / CARD) as file:
        final = card.model_copy(update={"files": {WEIGHTS: entry}})
        file.write(final.model_dump_json(indent=1, exclude_none=True).encode() + b"\n")
    return read_bundle(folder, verify=True)
