"""One evaluation from beginning to end, as `semblante evaluate` runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from semblante.bundles import CARD, Bundle, Model, read_bundle
from semblante.emotions import Emotion
from semblante.errors import NotFound
from semblante.local_models import fetch_local_bundle, find_local_model
from semblante.settings import Settings
from semblante_worker.engines.choice import choose_engine
from semblante_worker.evaluation.dataset import Dataset, check_classes
from semblante_worker.evaluation.figures import Evaluation
from semblante_worker.evaluation.measured import Progress, measure_dataset
from semblante_worker.evaluation.mistakes import Mistake, pick_mistakes
from semblante_worker.evaluation.results_csv import compare_results
from semblante_worker.evaluation.subject import Subject, subject_of
from semblante_worker.predict import Predictor


@dataclass(frozen=True)
class Run:
    """What a report is made from."""

    evaluation: Evaluation
    mistakes: list[Mistake]
    subject: Subject


def find_model(settings: Settings, model: str) -> Bundle:
    """Return the bundle that `model` names: a folder, which is verified, or an installed one.

    A folder with a card goes before an installed model of its name, as a file goes before what a
    program brings along: one who has just trained `resnet18-raf7` means that. The installed one is
    still to be had by name@digest. A folder without a card is taken where no model has its name, so
    that the message tells what it lacks.

    Raises:
        NotFound: `model_not_found`.
        BundleError: `corrupt_bundle`.
        Unavailable: `model_unavailable` or `database_unavailable`.
    """
    folder = Path(model)
    if (folder / CARD).is_file():
        return read_bundle(folder, verify=True)
    try:
        return fetch_local_bundle(settings, model)
    except NotFound:
        if folder.is_dir():
            return read_bundle(folder, verify=True)
        raise


def run_on_dataset(
    settings: Settings, bundle: Bundle, dataset: Dataset, progress: Progress, *, raw: bool
) -> Run:
    """Label the data set's images by `bundle` and measure; `raw` sets the temperature to 1.

    Raises:
        BundleError, Unavailable: the model cannot be loaded; see `Predictor.predict_images`.
        Refused: `nothing_to_measure`, when no image could be labelled.
    """
    if raw:
        bundle = bundle.at_temperature(1.0)
    engine = choose_engine(bundle, settings.device, settings.engine)
    measured = measure_dataset(Predictor(settings), bundle, dataset, progress)
    subject = subject_of(
        bundle,
        data=dataset.name,
        split=dataset.split,
        temperature=bundle.card.temperature,
        engine=engine,
        outside=dataset.outside,
        other_classes=dataset.other_classes,
    )
    evaluation = measured.evaluate(bundle.classes)
    return Run(
        evaluation, pick_mistakes(measured, dataset.reader, settings.max_image_pixels), subject
    )


def run_on_results(
    settings: Settings, results: Path, truth: Path, *, skip_other_classes: bool = False
) -> Run:
    """Compare a job's CSV with the truth, without images whose class the model lacks if asked.

    The names of the classes and the card come from the model if it is installed here.

    Raises:
        Refused: see `compare_results` and `check_classes`.
    """

    def classes_of(reference: str) -> Sequence[Emotion] | None:
        model = _installed(settings, reference)
        return model.classes if model else None

    compared = compare_results(results, truth, classes_of, skip_other_classes=skip_other_classes)
    check_classes(compared.measured.all_truth, str(truth))
    model = _installed(settings, compared.model)
    subject = Subject(compared.model, data=str(results))
    if model is not None:
        subject = subject_of(model, data=str(results), split=None, temperature=None)
    subject = replace(
        subject,
        only_in_results=compared.only_in_results,
        only_in_truth=compared.only_in_truth,
        other_classes=compared.other_classes,
    )
    evaluation = compared.measured.evaluate(compared.classes)
    mistakes = pick_mistakes(compared.measured, None, settings.max_image_pixels)
    return Run(evaluation, mistakes, subject)


def _installed(settings: Settings, reference: str) -> Model | None:
    try:
        return find_local_model(settings, reference)
    except NotFound:
        return None
