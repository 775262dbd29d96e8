"""The validation part: stratified, stable, and from where the recipe says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from semblante.errors import Refused
from semblante_worker.datasets.dataset import read_dataset
from semblante_worker.datasets.entry import Entry
from semblante_worker.training.labels import Labelled, label_entries
from semblante_worker.training.recipe import SEVEN, Data
from semblante_worker.training.split import split_labelled


def labelled(entries: list[Entry]) -> Labelled:
    labels = np.array([int(entry.label) for entry in entries], dtype=np.int64)
    return Labelled(tuple(entries), labels, np.eye(3, dtype=np.float32)[labels])


def many(count: int, label: int, split: str = "train", source: str = "") -> list[Entry]:
    return [
        Entry(f"{split}/{source}{label}/{n}.png", split, str(label), source)  # type: ignore[arg-type]
        for n in range(count)
    ]


def paths(part: Labelled) -> set[str]:
    return {entry.path for entry in part.entries}


def test_each_class_gives_its_share() -> None:
    pictures = labelled([*many(100, 0), *many(10, 1), *many(2, 2)])
    train, validation = split_labelled(pictures, Data(validation_share=0.2), seed=1)
    assert Counter(validation.labels.tolist()) == {0: 20, 1: 2, 2: 1}
    assert Counter(train.labels.tolist()) == {0: 80, 1: 8, 2: 1}
    assert paths(train) | paths(validation) == paths(pictures)


def test_the_choice_depends_on_seed_and_paths_only() -> None:
    entries = [*many(50, 0), *many(50, 1)]
    first = split_labelled(labelled(entries), Data(), seed=1)[1]
    again = split_labelled(labelled(entries[::-1]), Data(), seed=1)[1]
    other = split_labelled(labelled(entries), Data(), seed=2)[1]
    assert paths(first) == paths(again) != paths(other)
    assert first.targets.argmax(axis=1).tolist() == first.labels.tolist()


def test_a_given_part_goes_first() -> None:
    pictures = labelled([*many(9, 0), *many(4, 0, "val"), *many(5, 1, "test")])
    train, validation = split_labelled(pictures, Data(), seed=1)
    assert (len(train), len(validation)) == (9, 4)
    train, validation = split_labelled(pictures, Data(validation_from=("test",)), seed=1)
    assert (len(train), validation.labels.tolist()) == (9, [1] * 5)
    with pytest.raises(Refused, match=r"no pictures for validation \(val\)"):
        split_labelled(labelled(many(9, 0)), Data(validation_from=("val",)), seed=1)


def test_so_many_per_class() -> None:
    pictures = labelled([*many(100, 0), *many(10, 1), *many(3, 2)])
    data = Data(per_class=5, validation_share=0.2)
    train, validation = split_labelled(pictures, data, seed=1)
    assert Counter(train.labels.tolist()) == {0: 4, 1: 4, 2: 2}
    assert Counter(validation.labels.tolist()) == {0: 1, 1: 1, 2: 1}


def test_validation_from_one_source() -> None:
    pictures = labelled([*many(50, 0, source="a"), *many(50, 0, source="b")])
    _, validation = split_labelled(pictures, Data(validation_sources=("b",)), seed=1)
    assert {entry.source for entry in validation.entries} == {"b"}
    assert len(validation) == 5
    with pytest.raises(Refused, match=r"no picture is from c .*only from a, b"):
        split_labelled(pictures, Data(validation_sources=("c",)), seed=1)


def test_the_real_manifest(shared_data: Path) -> None:
    found = read_dataset(shared_data / "datasets" / "compact_train.zip")
    data = Data(validation_share=0.0982, validation_sources=("rafdb",))
    train, validation = split_labelled(label_entries(found, SEVEN, data), data, seed=1)
    assert (len(train), len(validation)) == (35_602, 1_200)
    assert train.targets.sum(axis=1) == pytest.approx(np.ones(len(train)), abs=1e-6)
    agreeing = (train.targets.argmax(axis=1) == train.labels).mean()
    assert agreeing > 0.99
