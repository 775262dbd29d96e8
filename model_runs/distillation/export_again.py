"""Export a ResNet-18 of which only 8-bit integers are kept once more, as after a change of exports.

    python -m model_runs.distillation.export_again joined.zip BUNDLE fast.safetensors -o FOLDER

`fast.safetensors` is what `read_int8` made of the bundle. The float weights of the first export are
kept nowhere, so the card goes on with their accuracy, and states the share of labels equal to
theirs as what it is at least: the first export's less the labels that the second one changed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import safetensors.torch

from semblante.bundles import Bundle, read_bundle
from semblante.card import GRAPH, GRAPH_WEIGHTS, WEIGHTS
from semblante.settings import Settings
from semblante_worker.bundle_writing import round_weights, write_bundle
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.measured import Measured, measure_dataset
from semblante_worker.evaluation.opening import open_dataset
from semblante_worker.export.run import Export, export_bundle
from semblante_worker.predict import Predictor


def export_again(first: Bundle, weights: Path, dataset: Dataset, folder: Path) -> Bundle:
    """Write the bundle that `weights` give into `folder`, with the card of `first`; return it."""
    before = first.card.openvino
    if before is None:
        raise ValueError(f"{first.folder} was never exported.")
    settings = Settings()
    halves = safetensors.torch.save(round_weights(safetensors.torch.load_file(weights)))
    with tempfile.TemporaryDirectory() as name:
        read_back = write_bundle(Path(name), first.card, {WEIGHTS: halves})
        second = export_bundle(Export(read_back, dataset, folder, settings, is_alone=True))
    old, new = (_measure(one, dataset, settings) for one in (first, second))
    changed = float((old.predicted != new.predicted).mean())
    comparison = before.model_copy(
        update={
            "accuracy_int8": round(float((new.predicted == new.truth).mean()), 4),
            "equal_labels": round(before.equal_labels - changed, 4),
        }
    )
    card = second.card.model_copy(update={"openvino": comparison})
    contents = {file: second.read(file) for file in (GRAPH, GRAPH_WEIGHTS)}
    return write_bundle(folder, card, contents)


def _measure(bundle: Bundle, dataset: Dataset, settings: Settings) -> Measured:
    return measure_dataset(Predictor(settings), bundle, dataset, lambda _done, _failed: None)


def main() -> None:
    """Export, and print how the card compares."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    first = read_bundle(given.bundle, verify=True)
    dataset = open_dataset(given.dataset, first.classes, "val", Settings())
    made = export_again(first, given.weights, dataset, given.output)
    print(made.reference, made.card.openvino and made.card.openvino.describe())


if __name__ == "__main__":
    main()
