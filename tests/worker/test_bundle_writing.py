"""Bundles as they are written: what is rounded, and what the card says of the files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from bundle_factory import card_of
from semblante.card import Card
from semblante_worker.bundle_writing import round_weights, write_bundle


def test_weights_are_halved_where_halves_can_hold_them() -> None:
    weights = {
        "weight": torch.tensor([[1.5]]),
        "large": torch.tensor([[1e6]]),
        "bias": torch.tensor([0.1]),
        "count": torch.tensor([7]),
    }
    rounded = round_weights(weights)
    assert [value.dtype for value in rounded.values()] == [
        torch.float16,
        torch.float32,
        torch.float32,
        torch.int64,
    ]
    assert all(torch.equal(rounded[name].to(one.dtype), one) for name, one in weights.items())


def test_the_card_names_what_is_written(tmp_path: Path) -> None:
    card = Card.model_validate(card_of({"model.safetensors": b"before"}))
    contents = {"model.safetensors": b"numbers", "openvino.xml": b"graph"}
    bundle = write_bundle(tmp_path, card, contents)
    assert {name: file.sha256 for name, file in bundle.card.files.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in contents.items()
    }
    assert bundle.card.files["model.safetensors"].keys == "torchvision resnet18, num_classes=3"
    assert bundle.card.model_copy(update={"files": card.files}) == card
