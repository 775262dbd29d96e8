"""What came of a data set's images: the columns that all figures are computed from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semblante.bundles import Bundle
from semblante.emotions import Emotion
from semblante.errors import Refused
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.evaluation import evaluate_predictions
from semblante_worker.evaluation.figures import Evaluation
from semblante_worker.evaluation.metrics import Labels
from semblante_worker.outcome import Failure
from semblante_worker.predict import Prediction, Predictor

Progress = Callable[[int, int], None]
"""Called with (images done, images failed) after each image."""


@dataclass(frozen=True)
class Measured:
    """Outcomes of n labelled and m failed images.

    `numbers` int64 [n] are the labelled images' places in the data set, `paths` [n] their names;
    `truth` int64 [n], `predicted` int64 [n], `probabilities` float32 [n, c]; `failed` counts the
    others by code, `failed_truth` int64 [m] are their true classes.
    """

    numbers: Labels
    paths: tuple[str, ...]
    truth: Labels
    predicted: Labels
    probabilities: NDArray[np.float32]
    failed: dict[str, int]
    failed_truth: Labels

    @property
    def all_truth(self) -> Labels:
        """The true classes of all images, int64 [n + m]."""
        return np.concatenate([self.truth, self.failed_truth])

    def take(self, rows: NDArray[np.intp]) -> Measured:
        """Return these of the labelled images, and none of those that failed."""
        return Measured(
            numbers=self.numbers[rows],
            paths=tuple(self.paths[row] for row in rows),
            truth=self.truth[rows],
            predicted=self.predicted[rows],
            probabilities=self.probabilities[rows],
            failed={},
            failed_truth=np.zeros(0, dtype=np.int64),
        )

    def evaluate(self, classes: Sequence[Emotion]) -> Evaluation:
        """Return the figures.

        Raises:
            Refused: `nothing_to_measure`, when no image has a label.
        """
        if len(self.truth) == 0:
            codes = ", ".join(f"{code}: {count}" for code, count in self.failed.items())
            raise Refused(
                "nothing_to_measure", f"No image could be labelled ({codes or 'there is none'})."
            )
        return evaluate_predictions(
            self.truth,
            self.probabilities,
            classes,
            self.failed,
            failed_truth=self.failed_truth,
            predicted=self.predicted,
        )


def measure_dataset(
    predictor: Predictor, bundle: Bundle, dataset: Dataset, progress: Progress
) -> Measured:
    """Label every image of the data set as the product does.

    Raises:
        BundleError, Unavailable: the model cannot be loaded; see `Predictor.predict_images`.
    """
    numbers: list[int] = []
    rows: list[NDArray[np.float32]] = []
    failed: Counter[str] = Counter()
    failed_numbers: list[int] = []
    pairs = dataset.reader.read(range(len(dataset)))
    for done, outcome in enumerate(predictor.predict_images(pairs, bundle), 1):
        if isinstance(outcome, Prediction):
            numbers.append(outcome.face.index)
            rows.append(outcome.probabilities)
        elif isinstance(outcome, Failure):
            failed[outcome.code] += 1
            failed_numbers.append(outcome.index)
        progress(done, len(failed_numbers))
    probabilities = np.array(rows, np.float32).reshape(len(rows), len(bundle.classes))
    return Measured(
        numbers=np.array(numbers, np.int64),
        paths=tuple(dataset.paths[number] for number in numbers),
        truth=dataset.truth[np.array(numbers, np.int64)],
        predicted=probabilities.argmax(axis=1).astype(np.int64),
        probabilities=probabilities,
        failed=dict(sorted(failed.items())),
        failed_truth=dataset.truth[np.array(failed_numbers, np.int64)],
    )
