"""The end of a run: the best epoch's weights are measured once more, and become a bundle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from semblante.bundles import Bundle
from semblante.card import WEIGHTS, Card, CardFile, Metrics, Training
from semblante.emotions import Emotion
from semblante.replace import replaced_file
from semblante_worker.evaluation.figures import Evaluation
from semblante_worker.evaluation.temperature import fit_temperature
from semblante_worker.training.bundle_writing import write_bundle
from semblante_worker.training.gathering import Gathered
from semblante_worker.training.passes import Measured
from semblante_worker.training.recipe import Recipe
from semblante_worker.training.run_report import measured_of, write_run_report
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


def finish_run(run: FinishedRun, folder: Path) -> Bundle:
    """Write `metrics.json`, the bundle and its `report/` into `folder`; return the bundle.

    The bundle's temperature is the one that makes the validation pictures most likely.
    """
    temperature = fit_temperature(run.validation.logits, run.validation.labels)
    measured = measured_of(run.gathered, run.validation, temperature)
    evaluation = measured.evaluate([Emotion(c.id, c.en, c.es) for c in run.recipe.classes])
    metrics = _metrics(run, evaluation)
    with replaced_file(folder / METRICS) as file:
        file.write(json.dumps(metrics_of(run, metrics), indent=1).encode() + b"\n")
    bundle = write_bundle(folder, run.weights, make_card(run, metrics, temperature))
    write_run_report(run.gathered, run.progress, measured, evaluation, bundle, folder / REPORT)
    return bundle


def metrics_of(run: FinishedRun, metrics: Metrics) -> dict[str, Any]:
    """Return the curves, and how good the bundle's weights are on the validation pictures."""
    return {
        "best_epoch": run.progress.best_epoch,
        "validation": metrics.model_dump(exclude_none=True),
        "epochs": [asdict(record) for record in run.progress.records],
        "images_per_second": list(run.progress.images_per_second),
        "seconds": round(run.progress.seconds, 1),
    }


def make_card(run: FinishedRun, metrics: Metrics, temperature: float) -> Card:
    """Return the bundle's card; `write_bundle` fills the weights' hash in."""
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
        ),
        metrics={"validation": metrics},
        temperature=temperature,
        terms=recipe.terms,
        limits=recipe.limits,
    )


def _metrics(run: FinishedRun, evaluation: Evaluation) -> Metrics:
    recall = evaluation.scores.mean_recall
    return Metrics(
        n=evaluation.labelled,
        accuracy=round(evaluation.scores.accuracy.value, 4),
        mean_recall=None if recall is None else round(recall.value, 4),
        ece=round(evaluation.calibration_error.value, 4),
        note=f"The best of {len(run.progress.records)} epochs was chosen by this accuracy; the "
        "temperature was fitted on these images.",
    )
