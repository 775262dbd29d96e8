"""The engine for CUDA devices: half precision, channels last, a few shapes recorded as CUDA graphs.

A pass always has one of a few numbers of rows, and its last images may be those of an earlier one:
so each shape is recorded once, and then a whole pass is one launch. Pixels travel as uint8 from
pinned memory and are normalised on the device.

Written from PyTorch's documentation and not measured on a device yet. Without one it runs eagerly
on the CPU, which is how its tests see it.

This module imports torch: see `load_engine`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog
import torch
from torch import Tensor, nn

from semblante.bundles import Bundle
from semblante_worker.engines import Engine, Numbers
from semblante_worker.engines.network_input import lay_channels_last, normalise
from semblante_worker.folding import fold_network, subtracted
from semblante_worker.preprocess import Pixels

FEW_ROWS = 8
"""The shape for single images."""
MOST_ROWS = 1024
PROBE_ROWS = 64
WARM_UP_PASSES = 3
MEMORY_SHARE = 0.5
"""Of the device's free memory, for the largest pass: other models and processes need some, too."""

log = structlog.get_logger()


class FixedPass:
    """A pass over a fixed number of images: recorded once on a CUDA device, plain elsewhere."""

    def __init__(
        self, forward: Callable[[Tensor], Tensor], shape: tuple[int, ...], device: torch.device
    ) -> None:
        """Reserve memory for uint8 pixels of `shape`, and record what `forward` does with them."""
        self._forward = forward
        self._host = torch.zeros(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
        self._pixels = self._host.to(device)
        self._recorded: tuple[torch.cuda.CUDAGraph, Tensor] | None = None
        if device.type == "cuda":
            with torch.cuda.device(device):
                self._recorded = self._record()

    def _record(self) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Record a pass, after a few on another stream that choose algorithms."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_PASSES):
                self._forward(self._pixels)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            logits = self._forward(self._pixels)
        return graph, logits

    def logits(self, images: Pixels) -> Numbers:
        """Return the logits, float32 [n, classes], of at most as many images as there are rows."""
        self._host[: len(images)].numpy()[:] = images
        self._pixels.copy_(self._host, non_blocking=True)
        if self._recorded is None:
            logits = self._forward(self._pixels)
        else:
            graph, logits = self._recorded
            graph.replay()
        return np.asarray(logits[: len(images)].cpu().numpy())  # waits for the device


class CudaEngine(Engine):
    """A network on a CUDA device; a pass that its memory does not hold is halved."""

    def __init__(self, bundle: Bundle, network: nn.Module, device: torch.device) -> None:
        super().__init__(bundle)
        spec = bundle.card.preprocess
        self._device = device
        self._type = torch.float16 if device.type == "cuda" else torch.float32
        self._subtracted = subtracted(spec).to(device)
        self._network = lay_channels_last(fold_network(network, spec).to(device, self._type))
        self._passes: dict[int, FixedPass] = {}
        self.batch_rows = self._probe() if device.type == "cuda" else PROBE_ROWS

    def _compute_logits(self, batch: Pixels) -> Numbers:
        with torch.inference_mode():
            while True:
                try:
                    return self._run(batch)
                except torch.OutOfMemoryError:
                    if self.batch_rows == 1:
                        raise
                    self._use_fewer_rows()

    def _run(self, batch: Pixels) -> Numbers:
        size = self.batch_rows
        parts = [batch[first : first + size] for first in range(0, len(batch), size)]
        return np.concatenate([self._pass_for(len(part)).logits(part) for part in parts])

    def _pass_for(self, images: int) -> FixedPass:
        rows = min(FEW_ROWS, self.batch_rows) if images <= FEW_ROWS else self.batch_rows
        if rows not in self._passes:
            self._passes[rows] = FixedPass(self._forward, (rows, *self._shape), self._device)
        return self._passes[rows]

    def _use_fewer_rows(self) -> None:
        self._passes.clear()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self.batch_rows //= 2
        log.warning("device out of memory", device=str(self._device), rows=self.batch_rows)

    def _probe(self) -> int:
        """Return a power of two of rows that the free memory allows, from the peak of a few."""
        device = self._device
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        shape = (PROBE_ROWS, *self._shape)
        with torch.inference_mode():
            self._forward(torch.zeros(shape, dtype=torch.uint8, device=device))
        row_bytes = max(1, (torch.cuda.max_memory_allocated(device) - before) // PROBE_ROWS)
        free, _total = torch.cuda.mem_get_info(device)
        rows = min(MOST_ROWS, max(1, int(free * MEMORY_SHARE) // row_bytes))
        return 1 << (rows.bit_length() - 1)

    def _forward(self, pixels: Tensor) -> Tensor:
        """Map uint8 [n, *shape] on the device to logits, float32 [n, classes]."""
        logits: Tensor = self._network(normalise(pixels, self._subtracted, self._type))
        return logits.float()
