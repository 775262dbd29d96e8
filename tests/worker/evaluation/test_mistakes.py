"""What is measured keeps image, truth and label together, and the worst mistakes come first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from factory import jpeg
from predictions import probabilities_of
from semblante.bundles import shipped_bundle
from semblante.errors import ImageError
from semblante_worker.datasets.picture_store import Content
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.measured import Measured, measure_dataset
from semblante_worker.evaluation.mistakes import pick_mistakes
from semblante_worker.predict import Predictor


class Memory:
    """A reader of bytes in memory."""

    def __init__(self, *contents: Content) -> None:
        self.contents = contents

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Content]]:
        for number in numbers:
            yield number, self.contents[number]


def test_each_image_keeps_its_truth(tmp_path: Path, predictor: Predictor) -> None:
    bundle = shipped_bundle("resnet18-raf7")
    reader = Memory(jpeg(0), b"no image", jpeg(90), ImageError("encrypted", ""), jpeg(250), b"no")
    dataset = Dataset("d", None, tuple("abcdef"), np.array([0, 1, 2, 3, 4, 5]), reader)
    shown: list[tuple[int, int]] = []
    measured = measure_dataset(predictor, bundle, dataset, lambda *counts: shown.append(counts))
    assert measured.numbers.tolist() == [0, 2, 4]
    assert measured.paths == ("a", "c", "e")
    assert measured.truth.tolist() == [0, 2, 4]
    assert measured.failed == {"encrypted": 1, "unsupported_format": 2}
    assert measured.failed_truth.tolist() == [1, 3, 5]
    assert sorted(measured.all_truth.tolist()) == [0, 1, 2, 3, 4, 5]
    assert shown == [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)]
    for row, shade in enumerate((0, 90, 250)):
        alone = probabilities_of(predictor, jpeg(shade), bundle)
        assert measured.probabilities[row] == pytest.approx(alone, abs=1e-5)
        assert measured.predicted[row] == alone.argmax()


def labelled() -> Measured:
    return Measured(
        numbers=np.array([0, 2, 3, 4, 5]),
        paths=("a", "c", "d", "e", "f"),
        truth=np.array([0, 0, 1, 1, 0]),
        predicted=np.array([0, 1, 0, 0, 1]),
        probabilities=np.array(
            [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]], np.float32
        ),
        failed={"corrupt_image": 1},
        failed_truth=np.array([1]),
    )


def test_the_most_confident_mistakes_come_first() -> None:
    found = pick_mistakes(labelled(), None, 1000, limit=3)
    assert [(one.path, one.truth, one.predicted) for one in found] == [
        ("d", 1, 0),
        ("f", 0, 1),
        ("e", 1, 0),
    ]
    assert [one.confidence for one in found] == pytest.approx([0.8, 0.8, 0.7])
    assert {one.thumbnail for one in found} == {None}


def test_mistakes_have_their_own_pictures() -> None:
    reader = Memory(b"", b"", jpeg(2), jpeg(200), ImageError("encrypted", ""), b"no image any more")
    dataset = Dataset("d", None, tuple("abcdef"), np.array([0, 1, 0, 1, 1, 0]), reader)
    found = {one.path: one.thumbnail for one in pick_mistakes(labelled(), dataset.reader, 10_000)}
    assert list(found) == ["d", "f", "e", "c"]
    assert found["e"] is None
    assert found["f"] is None
    assert found["c"] is not None
    assert found["d"] is not None
    assert found["c"] != found["d"]
