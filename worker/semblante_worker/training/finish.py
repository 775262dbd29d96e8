"""The end of a run: the best epoch's weights are measured once more, and become a bundle."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from numpy.typing import NDArray

from semblante.bundles import Bundle
from semblante.card import WEIGHTS, Card, CardEpoch, CardFile, Metrics, Training
from semblante.emotions import Emotion
from semblante.replace import replaced_file
from semblante.settings import Settings
from semblante_worker.bundle_writing import write_bundle
from semblante_worker.evaluation.card_metrics import metrics_of
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.evaluation.temperature import fit_temperature
from semblante_worker.training.gathering import Gathered
from semblante_worker.training.labels import Labelled
from semblante_worker.training.passes import Measured
from semblante_worker.training.recipe import Recipe
from semblante_worker.training.run_report import measured_of, validation_of, write_run_report
from semblante_worker.training.run_state import Progress

METRICS = "metrics.json"
REPORT = "report"
VERSION = "1"


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run whose epochs are over.

    `weights` are the best epoch's, rounded as the bundle holds them, and `validation` is what
    exactly these say of `gathered.validation` (its pictures in the same order, read by
    `gathered.dataset.store`), in float32. `overview` is what was looked at before the start.
    """

    name: str
    recipe: Recipe
    progress: Progress
    gathered: Gathered
    weights: dict[str, Any]
    validation: Measured
    overview: dict[str, Any]


def finish_run(run: FinishedRun, folder: Path, settings: Settings | None) -> Bundle:
    """Write `metrics.json`, the bundle and its `report/` into `folder`; return the bundle.

    The bundle's temperature is the one that makes the validation pictures most likely. With
    `settings` it is exported for CPUs, which needs OpenVINO and NNCF.
    """
    temperature = fit_temperature(run.validation.logits, run.validation.labels)
    measured = measured_of(run.gathered, run.validation, temperature)
    classes = [Emotion(c.id, c.en, c.es) for c in run.recipe.classes]
    evaluation = measured.evaluate(classes)
    note = (
        f"The best of {len(run.progress.records)} epochs was chosen by this accuracy; the "
        "temperature was fitted on these images."
    )
    metrics = {"validation": metrics_of(evaluation, note)}
    for source, rows in rows_of_sources(run.gathered.validation).items():
        metrics[f"validation {source}"] = metrics_of(measured.take(rows).evaluate(classes))
    contents = {WEIGHTS: safetensors.torch.save(run.weights)}
    bundle = write_bundle(folder, make_card(run, metrics, temperature), contents)
    if settings is not None:
        from semblante_worker.export.run import Export, export_bundle

        bundle = export_bundle(Export(bundle, validation_of(run.gathered), folder, settings))
    with replaced_file(folder / METRICS) as file:
        file.write(json.dumps(summarise(run, bundle.card), indent=1).encode() + b"\n")
    write_run_report(run.gathered, run.progress, measured, evaluation, bundle, folder / REPORT)
    return bundle


def summarise(run: FinishedRun, card: Card) -> dict[str, Any]:
    """Return the curves, and how good the bundle's weights are on the validation pictures."""
    return {
        "best_epoch": run.progress.best_epoch,
        **{split: part.model_dump(exclude_none=True) for split, part in card.metrics.items()},
        "openvino": card.openvino and card.openvino.model_dump(),
        "epochs": [record.as_values() for record in run.progress.records],
        "images_per_second": list(run.progress.images_per_second),
        "seconds": round(run.progress.seconds, 1),
    }


def make_card(run: FinishedRun, metrics: dict[str, Metrics], temperature: float) -> Card:
    """Return the bundle's card; `write_bundle` names its files."""
    recipe, train = run.recipe, run.gathered.train
    minutes = run.progress.seconds / 60
    return Card(
        name=run.name,
        version=VERSION,
        description=recipe.description,
        architecture=recipe.architecture,
        classes=tuple(c.for_card() for c in recipe.classes),
        preprocess=recipe.preprocess,
        files={WEIGHTS: CardFile(sha256="0" * 64)},
        training=Training(
            data=f"{run.overview['dataset']}: {len(train):,} images, "
            f"{len(run.gathered.validation):,} more for validation",
            init=run.overview["starting_weights"][:10_000],
            recipe=recipe.model_dump_json(
                exclude={"classes", "preprocess", "terms", "limits", "description"},
                exclude_defaults=True,
            )[:10_000],
            hardware=f"{run.overview['device']}, {minutes:.1f} minutes",
            epochs=_curves(run.progress.records),
        ),
        metrics=metrics,
        temperature=temperature,
        terms=recipe.terms,
        limits=recipe.limits,
    )


def _curves(records: Sequence[EpochRecord]) -> tuple[CardEpoch, ...] | None:
    """Return the curves; None where a loss is no number that a card can hold."""
    if not all(math.isfinite(one.train_loss + one.validation_loss) for one in records):
        return None
    return tuple(CardEpoch(**asdict(record)) for record in records)


def rows_of_sources(labelled: Labelled) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each source, where the pictures are of several; nothing otherwise."""
    sources = np.array([entry.source for entry in labelled.entries])
    found = np.unique(sources)
    if len(found) < 2:
        return {}
    return {str(source) or "other": np.flatnonzero(sources == source) for source in found}
