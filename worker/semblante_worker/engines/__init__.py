"""Engines: a loaded model on a device. Importing this loads no inference library.

A worker's parent process must never touch one, or its forked children hang.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from semblante.bundles import Bundle
from semblante.errors import BundleError
from semblante.settings import EngineName
from semblante_worker.engines.choice import choose_engine
from semblante_worker.preprocess import Pixels

Numbers = NDArray[np.float32]


class Engine(ABC):
    """A model that turns prepared pixels into probabilities; safe to call from several threads."""

    batch_rows = 64
    """The number of images per call that suits it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._shape = bundle.card.preprocess.shape
        self._classes = len(bundle.classes)
        self._lock = threading.Lock()

    def predict(self, batch: Pixels) -> Numbers:
        """Return the probabilities, float32 [n, classes], of uint8 pixels [n, *shape].

        `shape` is that of the card's preprocess; any n will do, 0 too. Each row sums to 1 and does
        not depend on the other images (by less than 1e-5).

        Raises:
            ValueError: the pixels have another shape or type.
            BundleError: `corrupt_bundle`, when the weights give no finite numbers.
        """
        if batch.dtype != np.uint8 or batch.shape[1:] != self._shape:
            raise ValueError(f"need uint8 [n, *{self._shape}], not {batch.dtype} {batch.shape}")
        if len(batch) == 0:
            return np.empty((0, self._classes), dtype=np.float32)
        with self._lock:
            logits = self._compute_logits(batch)
        if not np.isfinite(logits).all():
            raise BundleError(
                "corrupt_bundle",
                "%(reference)s: its weights give no finite numbers.",
                reference=self.bundle.reference,
            )
        return softmax(logits / self.bundle.card.temperature)

    @abstractmethod
    def _compute_logits(self, batch: Pixels) -> Numbers:
        """Normalise and run uint8 [n, *shape], n > 0; return float32 [n, classes]."""


def load_engine(
    bundle: Bundle, device: str = "auto", compute_threads: int = 0, engine: EngineName = "auto"
) -> Engine:
    """Load the bundle's weights, after their hash was verified, on `device`.

    `device` is `auto` (a CUDA device if there is one), `cpu`, `cuda` or `cuda:N`;
    `compute_threads` is the number of threads for a CPU, 0 means one per core; `engine` is `torch`,
    `openvino` or `auto`, which `choose_engine` explains.

    Raises:
        BundleError: `corrupt_bundle`, when the weights are damaged or do not fit the card;
            `wrong_engine`, when the bundle lacks the files that the engine needs.
        Unavailable: `component_missing`, when device or library do not exist here.
    """
    if choose_engine(bundle, device, engine) == "openvino":
        from semblante_worker.engines.openvino_engine import load_openvino_engine

        return load_openvino_engine(bundle, compute_threads)
    from semblante_worker.engines.torch_engine import load_torch_engine

    return load_torch_engine(bundle, device, compute_threads)


def softmax(logits: Numbers) -> Numbers:
    """Return probabilities, float32 [n, classes], of logits [n, classes]."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
