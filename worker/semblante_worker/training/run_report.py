"""The report of a run: what `semblante evaluate` shows, of the validation pictures, and curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from semblante.bundles import Bundle
from semblante_worker.datasets.picture_store import MOST_PIXELS
from semblante_worker.engines import softmax
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.figures import Evaluation
from semblante_worker.evaluation.measured import Measured
from semblante_worker.evaluation.mistakes import pick_mistakes
from semblante_worker.evaluation.opening import StoreReader
from semblante_worker.evaluation.report import write_report
from semblante_worker.evaluation.subject import subject_of
from semblante_worker.training import passes
from semblante_worker.training.gathering import Gathered
from semblante_worker.training.run_state import Progress


def measured_of(gathered: Gathered, validation: passes.Measured, temperature: float) -> Measured:
    """Return what the bundle will say of the validation pictures, at its temperature."""
    probabilities = softmax(validation.logits / np.float32(temperature))
    count = len(validation.labels)
    return Measured(
        numbers=np.arange(count, dtype=np.int64),
        paths=tuple(entry.path for entry in gathered.validation.entries),
        truth=validation.labels,
        predicted=probabilities.argmax(axis=1).astype(np.int64),
        probabilities=probabilities,
        failed={},
        failed_truth=np.zeros(0, dtype=np.int64),
    )


def validation_of(gathered: Gathered) -> Dataset:
    """Return the validation pictures as what is measured."""
    labelled = gathered.validation
    paths = tuple(entry.path for entry in labelled.entries)
    return Dataset(
        name=str(gathered.dataset.origin),
        split="val",
        paths=paths,
        truth=labelled.labels,
        reader=StoreReader(gathered.dataset.store, paths),
    )


def write_run_report(
    gathered: Gathered,
    progress: Progress,
    measured: Measured,
    evaluation: Evaluation,
    bundle: Bundle,
    folder: Path,
) -> Path:
    """Write `report.html` and `metrics.json` into `folder`; return the page's path.

    Raises:
        Unavailable: `component_missing`, without the extra `train`.
    """
    pictures = validation_of(gathered)
    subject = subject_of(
        bundle,
        data=pictures.name,
        split="validation",
        temperature=bundle.card.temperature,
        engine="torch",
    )
    return write_report(
        evaluation,
        folder,
        mistakes=pick_mistakes(measured, pictures.reader, MOST_PIXELS),
        curves=progress.records,
        subject=subject,
    )
