"""Writing a bundle: its files, and a card that holds their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from semblante.bundles import CARD, Bundle, read_bundle
from semblante.card import GRAPH, WEIGHTS, Card, CardFile
from semblante.replace import replaced_file


def round_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights as a bundle holds them: half precision, where that can hold the numbers.

    Vectors stay as they are, since they take next to no place: biases, and the statistics of batch
    norms, whose factors would move away from 1. So do whole numbers.
    """
    rounded = {}
    for name, tensor in weights.items():
        is_rounded = tensor.is_floating_point() and tensor.dim() > 1
        half = tensor.half() if is_rounded else tensor
        rounded[name] = (half if torch.isfinite(half).all() else tensor).cpu().contiguous()
    return rounded


def write_bundle(folder: Path, card: Card, contents: Mapping[str, bytes]) -> Bundle:
    """Write the files and their card into `folder`, which is there; return the bundle, verified.

    The card's `files` are made here. Each file is written whole or not at all, the card last: who
    reads a bundle that is being replaced finds the old one, the new one, or a hash that is wrong.
    """
    entries = {name: _entry(name, data, card) for name, data in contents.items()}
    final = Card.model_validate({**card.model_dump(), "files": entries})
    for name, data in contents.items():
        with replaced_file(folder / name) as file:
            file.write(data)
    with replaced_file(folder / CARD) as file:
        file.write(final.model_dump_json(indent=1, exclude_none=True).encode() + b"\n")
    return read_bundle(folder, verify=True)


def _entry(name: str, data: bytes, card: Card) -> CardFile:
    sha256 = hashlib.sha256(data).hexdigest()
    if name == WEIGHTS:
        keys = f"torchvision {card.architecture}, num_classes={len(card.classes)}"
        return CardFile(sha256=sha256, dtype="float16", keys=keys)
    if name == GRAPH and card.openvino is not None:
        return CardFile(sha256=sha256, dtype=card.openvino.precision)
    return CardFile(sha256=sha256)
