"""An export from beginning to end: graph, int8, comparison, bundle."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import openvino
from torch import Tensor

from semblante.bundles import Bundle
from semblante.card import GRAPH, GRAPH_WEIGHTS, WEIGHTS, Comparison
from semblante.errors import BundleError
from semblante.settings import EngineName, Settings
from semblante_worker.bundle_writing import round_weights, write_bundle
from semblante_worker.engines.torch_engine import load_network
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.measured import Measured, Progress, measure_dataset
from semblante_worker.export.calibration import calibration_pixels
from semblante_worker.export.graph import build_graph
from semblante_worker.export.quantisation import quantise
from semblante_worker.export.shared_weights import separate_weights, share_weights
from semblante_worker.folding import level_batch_norms
from semblante_worker.predict import Predictor

MOST_COST = 0.005
"""The accuracy that int8 may lose; beyond it the graph stays in float."""


@dataclass(frozen=True)
class Export:
    """What to make of a bundle, on which pictures; `is_alone` makes one for CPUs only."""

    bundle: Bundle
    dataset: Dataset
    folder: Path
    settings: Settings
    is_alone: bool = False
    progress: Progress = field(default=lambda _done, _failed: None)


def export_bundle(export: Export) -> Bundle:
    """Write the bundle with its graph into `folder`, the bundle's own or another; return it.

    The graph is in int8, if that loses at most half a point of accuracy on the data set's pictures,
    300 of which it was calibrated on; else in float. Alone it is in int8 in any case. The card says
    how both compare when they label the pictures: torch in float, and OpenVINO in int8.

    Raises:
        BundleError: `wrong_engine`, when the bundle has no `model.safetensors`; `corrupt_bundle`.
        Refused: `empty_dataset`, when no picture can be read.
    """
    bundle = export.bundle
    if WEIGHTS not in bundle.card.files:
        raise BundleError("wrong_engine", f"{bundle.folder} has no {WEIGHTS} to export from.")
    pixels = calibration_pixels(
        export.dataset, bundle.card.preprocess, export.settings.decode_threads
    )
    network = level_batch_norms(load_network(bundle))
    weights = round_weights(network.state_dict())
    network.load_state_dict(weights)
    graph = build_graph(network, bundle.card.preprocess)
    quantised = quantise(graph, pixels, is_alone=export.is_alone)
    contents = _contents(quantised, weights, is_alone=export.is_alone)
    comparison = _compare(export, contents)
    if comparison.precision == "float":
        contents = _contents(graph, weights, is_alone=False)
    card = bundle.card.model_copy(update={"openvino": comparison})
    export.folder.mkdir(parents=True, exist_ok=True)
    return write_bundle(export.folder, card, contents)


def _contents(
    graph: openvino.Model, weights: dict[str, Tensor], *, is_alone: bool
) -> dict[str, bytes]:
    if is_alone:
        text, numbers = separate_weights(graph)
        return {GRAPH_WEIGHTS: numbers, GRAPH: text}
    text, numbers = share_weights(graph, weights)
    return {WEIGHTS: numbers, GRAPH: text}


def _compare(export: Export, contents: dict[str, bytes]) -> Comparison:
    """Measure what was trained, and what would be written."""
    with tempfile.TemporaryDirectory() as folder:
        candidate = write_bundle(Path(folder), export.bundle.card, contents)
        in_int8 = _measure(export, candidate, "openvino")
    in_float = _measure(export, export.bundle, "torch")
    accuracy_float, accuracy_int8 = _accuracy(in_float), _accuracy(in_int8)
    is_float = round(accuracy_float - accuracy_int8, 6) > MOST_COST and not export.is_alone
    return Comparison(
        precision="float" if is_float else "int8",
        data=_name_of(export.dataset),
        n=len(in_float.truth),
        accuracy_float=round(accuracy_float, 4),
        accuracy_int8=round(accuracy_int8, 4),
        equal_labels=round(float((in_float.predicted == in_int8.predicted).mean()), 4),
    )


def _measure(export: Export, bundle: Bundle, engine: EngineName) -> Measured:
    settings = export.settings.model_copy(update={"device": "cpu", "engine": engine})
    return measure_dataset(Predictor(settings), bundle, export.dataset, export.progress)


def _name_of(dataset: Dataset) -> str:
    """What a card says of the pictures: no folder of the machine that they were on."""
    return Path(dataset.name).name + (f", split {dataset.split}" if dataset.split else "")


def _accuracy(measured: Measured) -> float:
    return float((measured.predicted == measured.truth).mean())
