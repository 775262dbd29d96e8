"""The engine for CPUs: a bundle's graph in OpenVINO, in the precision that it was exported with.

Each thread has a stream of its own, which takes parts of a batch: streams need not wait for one
another after each layer, as threads on the same images do. Per second of processor time, on a busy
machine, ResNet-18 at 112 px in int8 labelled 450 images with one thread in one stream, and 419 with
two threads in one. Parts of 8 to 64 images differed by no more than 4 %, a graph compiled for one
size of batch and one for any by less than 1 % (one image at a time: 394 and 331), so that the
shapes are left open.

The precision is stated: where a CPU computes in bfloat16, OpenVINO would do so unasked. Threads are
not pinned to cores, because those of several worker processes would be pinned to the same ones.

This module imports openvino: see `load_engine`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import openvino

from semblante.bundles import Bundle, corrupt
from semblante.card import GRAPH
from semblante.errors import BundleError
from semblante.message import Message
from semblante_worker.decode import usable_cores
from semblante_worker.engines import Engine, Numbers
from semblante_worker.preprocess import Pixels

MOST_ROWS = 32
"""Images per part of a batch."""


def load_openvino_engine(bundle: Bundle, compute_threads: int) -> Engine:
    """Load a bundle; see `load_engine` for arguments and errors."""
    return OpenvinoEngine(bundle, compute_threads or usable_cores())


@functools.cache
def openvino_core() -> openvino.Core:
    """Return the runtime of this process, which is never given up.

    Each Core gives its thread another stack for signal handlers (sigaltstack) and frees that stack
    with itself. When the first of two goes before the second, the second puts the freed one back,
    and the next signal ends the process (OpenVINO 2026.4.1).
    """
    return openvino.Core()


def read_graph(bundle: Bundle) -> openvino.Model:
    """Return the bundle's graph: uint8 [n, *shape] to logits, float32 [n, classes].

    Raises:
        BundleError: `corrupt_bundle`, when its files are damaged or do not fit the card.
    """
    text, numbers = bundle.read(GRAPH), bundle.read(bundle.card.graph_weights)
    path = bundle.path(GRAPH)
    try:
        model = openvino_core().read_model(text, openvino.Tensor(_as_bytes(numbers)))
    except RuntimeError as error:
        raise _unreadable(bundle, _last_line(error)) from error
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise corrupt(path, Message("it needs one input and one output"))
    expected = (
        (model.input(0), openvino.Type.u8, bundle.card.preprocess.shape),
        (model.output(0), openvino.Type.f32, (len(bundle.classes),)),
    )
    for port, kind, shape in expected:
        wanted = openvino.PartialShape([-1, *shape])
        if port.get_element_type() != kind or port.get_partial_shape() != wanted:
            raise corrupt(
                path,
                Message(
                    "the card asks for %(kind)s %(wanted)s, not %(type)s %(shape)s",
                    kind=kind,
                    wanted=wanted,
                    type=port.get_element_type(),
                    shape=port.get_partial_shape(),
                ),
            )
    return model


class OpenvinoEngine(Engine):
    """A graph, compiled for this CPU."""

    def __init__(self, bundle: Bundle, threads: int) -> None:
        super().__init__(bundle)
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        model = read_graph(bundle)
        try:
            compiled = openvino_core().compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise corrupt(
                bundle.path(GRAPH), Message("it cannot run: %(reason)s", reason=_last_line(error))
            ) from error
        self._streams = threads
        self._queue = openvino.AsyncInferQueue(compiled, threads)
        self._queue.set_callback(_keep_logits)

    def _compute_logits(self, batch: Pixels) -> Numbers:
        logits = np.empty((len(batch), self._classes), dtype=np.float32)
        rows = min(MOST_ROWS, math.ceil(len(batch) / self._streams))
        for first in range(0, len(batch), rows):
            part = slice(first, first + rows)
            self._queue.start_async({0: batch[part]}, logits[part])
        self._queue.wait_all()
        return logits


def _keep_logits(request: Any, rows: Numbers) -> None:
    rows[:] = request.get_output_tensor(0).data


def _unreadable(bundle: Bundle, reason: str) -> BundleError:
    """Name the file that is to blame: OpenVINO says when it is the one with the numbers."""
    if reason.startswith("Incorrect weights"):
        path = bundle.path(bundle.card.graph_weights)
        return corrupt(path, Message("its weights do not fit the card: %(reason)s", reason=reason))
    return corrupt(bundle.path(GRAPH), Message("it is no graph: %(reason)s", reason=reason))


def _as_bytes(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(data, dtype=np.uint8)


def _last_line(error: RuntimeError) -> str:
    """The reason; the lines before it name OpenVINO's own source files."""
    return str(error).strip().splitlines()[-1]
