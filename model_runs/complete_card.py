"""Add to a card what it lacked when its model was made: curves of logs, a matrix, a temperature.

    python model_runs/complete_card.py BUNDLE_FOLDER LOG... [--dataset joined.zip]
    python model_runs/complete_card.py BUNDLE_FOLDER --dataset joined.zip --temperature-of rafdb

The temperature is fitted on the validation pictures of one source: RAF-DB's, because no stage of a
shipped model has learned them. Figures that the card has stay as they are, but for the calibration
errors at that temperature. Those, and the matrix, are of float where the bundle has its weights; of
8-bit integers where it has nothing else, which the card says then. Other bytes of a card are
another model to the registry.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np

from semblante.bundles import CARD, Bundle, read_bundle
from semblante.card import WEIGHTS, Card, CardEpoch, Metrics
from semblante.settings import Settings
from semblante_worker.evaluation.card_metrics import metrics_of
from semblante_worker.evaluation.measured import Measured, measure_dataset
from semblante_worker.evaluation.opening import open_dataset
from semblante_worker.evaluation.temperature import fit_temperature
from semblante_worker.predict import Predictor

EPOCH = re.compile(
    r"^Epoch \d+/\d+: loss ([\d.]+), accuracy ([\d.]+)%; "
    r"validation loss ([\d.]+), accuracy ([\d.]+)%",
    re.MULTILINE,
)
CHOSEN = "The weights were chosen by these figures."
FITTED = "The temperature was fitted on these images."
LEARNED = "An earlier stage of the model has learned these images: others are harder for it."
INT8_NOTE = "The confusion matrix is of 8-bit integers, the other figures of float."


def main() -> None:
    """Read, measure, write the card."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("logs", type=Path, nargs="*")
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--temperature-of", metavar="SOURCE")
    given = parser.parse_args()
    bundle = read_bundle(given.bundle, verify=True)
    changes: dict[str, Any] = {}
    if given.logs:
        epochs = epochs_of(given.logs)
        changes["training"] = bundle.card.training.model_copy(update={"epochs": epochs})
    if given.dataset is not None:
        if given.temperature_of:
            bundle = tempered(bundle, given.dataset, given.temperature_of)
            changes["temperature"] = bundle.card.temperature
            changes["metrics"] = with_errors(
                bundle, measure(bundle, given.dataset), given.temperature_of
            )
        else:
            changes["metrics"] = with_confusion(bundle, measure(bundle, given.dataset))
    card = bundle.card.model_copy(update=changes)
    text = Card.model_validate(card.model_dump()).model_dump_json(indent=1, exclude_none=True)
    (given.bundle / CARD).write_text(text + "\n", encoding="utf-8")
    print(read_bundle(given.bundle, verify=True).reference)


def epochs_of(logs: list[Path]) -> tuple[CardEpoch, ...]:
    """Return the epochs of the logs, one run after the other."""
    lines = [found for log in logs for found in EPOCH.findall(log.read_text(encoding="utf-8"))]
    return tuple(
        CardEpoch(
            epoch=number,
            train_loss=float(loss),
            train_accuracy=float(accuracy) / 100,
            validation_loss=float(validation_loss),
            validation_accuracy=float(validation_accuracy) / 100,
        )
        for number, (loss, accuracy, validation_loss, validation_accuracy) in enumerate(lines, 1)
    )


def measure(bundle: Bundle, dataset: Path) -> Measured:
    """Return what the bundle, in float if it can, says of the validation pictures."""
    settings = Settings(engine="torch" if WEIGHTS in bundle.card.files else "openvino")
    opened = open_dataset(dataset, bundle.classes, "val", settings)
    return measure_dataset(Predictor(settings), bundle, opened, lambda _done, _failed: None)


def tempered(bundle: Bundle, dataset: Path, source: str) -> Bundle:
    """Return the bundle at the temperature that suits the validation pictures of `source`."""
    measured = part_of(measure(bundle.at_temperature(1), dataset), f"validation {source}")
    logits = np.log(np.maximum(measured.probabilities, np.finfo(np.float32).tiny))
    return bundle.at_temperature(round(fit_temperature(logits, measured.truth), 3))


def with_confusion(bundle: Bundle, measured: Measured) -> dict[str, Metrics]:
    """Return the card's figures, each with the matrix of its validation pictures."""
    is_float = WEIGHTS in bundle.card.files
    found = {}
    for name, figures in bundle.card.metrics.items():
        confusion = metrics_of(part_of(measured, name).evaluate(bundle.classes)).confusion
        note = figures.note if is_float else " ".join(filter(None, (figures.note, INT8_NOTE)))
        found[name] = figures.model_copy(update={"confusion": confusion, "note": note})
    return found


def with_errors(bundle: Bundle, measured: Measured, source: str) -> dict[str, Metrics]:
    """Return the card's figures with the calibration errors at the bundle's temperature.

    It was fitted on the pictures of `source`.
    """
    found = {}
    for name, figures in bundle.card.metrics.items():
        evaluated = metrics_of(part_of(measured, name).evaluate(bundle.classes))
        note = {"validation": CHOSEN, f"validation {source}": FITTED}.get(name, LEARNED)
        errors = {"ece": evaluated.ece, "ece_interval": evaluated.ece_interval, "note": note}
        found[name] = figures.model_copy(update=errors)
    return found


def part_of(measured: Measured, name: str) -> Measured:
    """Return the pictures of `validation` or of `validation SOURCE`."""
    source = name.partition(" ")[2]
    rows = [path.startswith(f"{source}/") or not source for path in measured.paths]
    return measured.take(np.flatnonzero(rows))


if __name__ == "__main__":
    main()
