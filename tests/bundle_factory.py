"""Bundles for tests: a card that is right until a test changes it, with any bytes as weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from semblante.bundles import shipped_bundle

CLASSES = [
    {"id": "glad", "en": "glad", "es": "contento"},
    {"id": "sad", "en": "sad", "es": "triste"},
    {"id": "calm", "en": "calm", "es": "tranquilo"},
]
PREPROCESS = {
    "colour": "grey",
    "resize": [32, 32],
    "crop": None,
    "interpolation": "bilinear",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
}


def card_of(contents: Mapping[str, bytes], /, **changes: Any) -> dict[str, Any]:
    """Return the content of a valid card of three classes for its files, with fields replaced."""
    card: dict[str, Any] = {
        "name": "mine",
        "version": "1",
        "description": "A model for a test.",
        "architecture": "resnet18",
        "classes": CLASSES,
        "preprocess": PREPROCESS,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest()} for name, data in contents.items()
        },
        "training": {"data": "none", "init": "random", "recipe": "none", "hardware": "none"},
        "metrics": {},
        "temperature": 1.0,
        "terms": "none",
        "limits": "Of no use.",
    }
    return card | changes


def write_bundle(folder: Path, weights: bytes = b"weights", **changes: Any) -> Path:
    """Write a bundle into the new `folder` and return it."""
    return write_files(folder, {"model.safetensors": weights}, **changes)


def write_files(folder: Path, contents: Mapping[str, bytes], /, **changes: Any) -> Path:
    """Write a bundle of these files into the new `folder` and return it."""
    folder.mkdir(parents=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / "card.json").write_text(json.dumps(card_of(contents, **changes)), encoding="utf-8")
    return folder


def copy_shipped(folder: Path, **changes: Any) -> Path:
    """Write the resnet18-raf7 into the new `folder` under the name `mine`, with fields replaced."""
    source = shipped_bundle("resnet18-raf7")
    folder.mkdir(parents=True)
    for name in source.card.files:
        (folder / name).write_bytes(source.read(name))
    card = json.loads(source.path("card.json").read_bytes()) | {"name": "mine"} | changes
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder
