"""Bundles for tests: a card that is right until a test changes it, with any bytes as weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

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


def card_of(weights: bytes, **changes: Any) -> dict[str, Any]:
    """Return the content of a valid card of three classes for `weights`, with fields replaced."""
    card: dict[str, Any] = {
        "name": "mine",
        "version": "1",
        "description": "A model for a test.",
        "architecture": "resnet18",
        "classes": CLASSES,
        "preprocess": PREPROCESS,
        "files": {"model.safetensors": {"sha256": hashlib.sha256(weights).hexdigest()}},
        "training": {"data": "none", "init": "random", "recipe": "none", "hardware": "none"},
        "metrics": {},
        "temperature": 1.0,
        "terms": "none",
        "limits": "Of no use.",
    }
    return card | changes


def write_bundle(folder: Path, weights: bytes = b"weights", **changes: Any) -> Path:
    """Write a bundle into the new `folder` and return it."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "card.json").write_text(json.dumps(card_of(weights, **changes)), encoding="utf-8")
    return folder
