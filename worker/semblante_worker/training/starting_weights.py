"""Weights that a run starts from: torchvision's, or those of a file, complete or partial."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.error import URLError

import safetensors
import torch
from torch import Tensor, nn

from semblante.card import Architecture
from semblante.errors import TrainingError, Unavailable
from semblante_worker.vision import load_torchvision
from semblante_worker.weights import parse_weights

_COUNTER = ".num_batches_tracked"
"""Batch norms' counters: older files lack them, and nothing here uses them."""


@dataclass(frozen=True)
class Taken:
    """What a network took over: names of tensors; `missing` start at random.

    `reshaped` are in both but have another shape, as a head of other classes has, and start at
    random; `unused` are in the file only.
    """

    origin: str
    taken: tuple[str, ...]
    missing: tuple[str, ...]
    reshaped: tuple[str, ...]
    unused: tuple[str, ...]

    def describe(self) -> str:
        """Return one line for each kind."""
        whole = ", ".join(self._whole_layers())
        lines = [f"Starting weights: {self.origin}: {len(self.taken)} tensors taken: {whole}"]
        for word, names in (
            ("missing there, start at random", self.missing),
            ("of another shape, start at random", self.reshaped),
            ("not used", self.unused),
        ):
            if names:
                lines.append(f"  {len(names)} {word}: {', '.join(names)}")
        return "\n".join(lines)

    def _whole_layers(self) -> tuple[str, ...]:
        """Return the taken tensors, those of a layer that was taken whole by its name alone."""
        broken = {
            above for name in (*self.missing, *self.reshaped) for above in _layers_above(name)
        }
        return tuple(
            dict.fromkeys(
                next((layer for layer in _layers_above(name) if layer not in broken), name)
                for name in self.taken
            )
        )


def download_weights(architecture: Architecture) -> dict[str, Tensor]:
    """Return torchvision's ImageNet weights, from its cache or by a download.

    Raises:
        Unavailable: `component_missing`, when they cannot be reached.
    """
    weights = load_torchvision().models.get_model_weights(architecture)["IMAGENET1K_V1"]
    try:
        return cast("dict[str, Tensor]", weights.get_state_dict(progress=False, check_hash=True))
    except (URLError, OSError, RuntimeError) as error:
        raise Unavailable(
            "component_missing",
            f"The ImageNet weights of {architecture} cannot be downloaded ({error}). Give a file "
            "by --init, or start at random by --set pretrained=false.",
        ) from error


def fingerprint(path: Path) -> str:
    """Return a digest of a file of weights, in hexadecimal.

    Raises:
        TrainingError: `invalid_weights`, when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _invalid(f"{path} cannot be read: {error.strerror}") from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a `.safetensors` file, or of a `.pth` that holds tensors only.

    A `.pth` may also hold them in a table below (`state_dict`, `model`, ...): the largest counts.

    Raises:
        TrainingError: `invalid_weights`; nothing that a file could run is ever run.
    """
    try:
        if path.suffix == ".safetensors":
            return parse_weights(path.read_bytes())
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        pickle.UnpicklingError,
        safetensors.SafetensorError,
    ) as error:
        reason = str(error).partition("\n")[0]
        # torch then advises to load the file unsafely, which would run what is in it.
        if not reason or isinstance(error, pickle.UnpicklingError) or "weights_only" in reason:
            raise _invalid(f"{path} holds no table of tensors") from error
        raise _invalid(f"{path} cannot be read as weights: {reason}") from error
    tables = [content, *content.values()] if isinstance(content, dict) else []
    found = [_tensors(table) for table in tables if isinstance(table, dict)]
    best = max(found, key=len, default={})
    if not best:
        raise _invalid(f"{path} holds no table of tensors")
    return best


def take_weights(network: nn.Module, tensors: Mapping[str, Tensor], origin: str) -> Taken:
    """Copy every tensor that fits into `network`.

    Raises:
        TrainingError: `invalid_weights`, when none fits.
    """
    state = network.state_dict()
    fitting = {
        name: tensors[name].to(own.dtype)
        for name, own in state.items()
        if name in tensors and tensors[name].shape == own.shape
    }
    if not any(not name.endswith(_COUNTER) for name in fitting):
        raise _invalid(f"{origin} fits no layer of the network; it may be of another architecture")
    network.load_state_dict(fitting, strict=False)
    wanted = [name for name in state if not name.endswith(_COUNTER)]
    return Taken(
        origin,
        tuple(name for name in wanted if name in fitting),
        tuple(name for name in wanted if name not in tensors),
        tuple(name for name in wanted if name in tensors and name not in fitting),
        tuple(name for name in tensors if name not in state),
    )


def _tensors(table: Mapping[object, object]) -> dict[str, Tensor]:
    return {
        name.removeprefix("module."): value
        for name, value in table.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }


def _layers_above(name: str) -> tuple[str, ...]:
    """Return the layers that a tensor is part of, the outermost first."""
    parts = name.split(".")
    return tuple(".".join(parts[:count]) for count in range(1, len(parts)))


def _invalid(what: str) -> TrainingError:
    return TrainingError("invalid_weights", f"The starting weights cannot be used: {what}.")
