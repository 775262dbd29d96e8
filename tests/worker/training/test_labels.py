"""Labels: names of classes, votes as targets, and classes that are missing or too many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from picture_sets import write_folder, write_zip
from semblante.errors import Refused
from semblante_worker.datasets.dataset import read_dataset
from semblante_worker.training.labels import check_classes, label_entries, names_of
from semblante_worker.training.recipe import SEVEN, Data
from semblante_worker.training.recipe_files import load_recipe

THREE = load_recipe("mobilenetv2-transfer").classes


@pytest.mark.parametrize("folder", ["happiness", "Happiness", "feliz", "4", "happy", "FELIZ "])
def test_every_name_of_a_class(tmp_path: Path, folder: str) -> None:
    found = read_dataset(write_folder(tmp_path / "set", {f"train/{folder}": 1}))
    assert label_entries(found, SEVEN, Data()).labels.tolist() == [3]


def test_a_folder_of_no_class_is_refused_or_skipped(tmp_path: Path) -> None:
    found = read_dataset(write_folder(tmp_path / "set", {"train/feliz": 1, "train/miedo": 1}))
    with pytest.raises(Refused, match=r"train/miedo/000\.png has the label 'miedo'.*estresado"):
        label_entries(found, THREE, Data())
    labelled = label_entries(found, THREE, Data(other_classes="skip"))
    assert [entry.label for entry in labelled.entries] == ["feliz"]


def test_votes_are_targets(tmp_path: Path) -> None:
    rows = "path,label,p1,p2,p8\na.png,2,1,3,6\nb.png,1,0,0,5\nc.png,7,,,\n"
    files = {"a.png": b"a", "b.png": b"b", "c.png": b"c", "manifest.csv": rows.encode()}
    labelled = label_entries(read_dataset(write_zip(tmp_path / "s.zip", files)), SEVEN, Data())
    assert labelled.labels.tolist() == [1, 0, 6]
    assert labelled.targets.dtype == np.float32
    assert labelled.targets.tolist() == [
        [0.25, 0.75, 0, 0, 0, 0, 0],  # votes for what is no class do not count
        [1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


def test_votes_may_be_as_large_as_a_number_can_be(tmp_path: Path) -> None:
    rows = "path,label,p1,p2,happy,feliz\na.png,2,1e308,1e308,0,0\nb.png,2,0,0,1e308,1e308\n"
    files = {"a.png": b"a", "b.png": b"b", "manifest.csv": rows.encode()}
    found = read_dataset(write_zip(tmp_path / "s.zip", files), lambda name: name in names_of(SEVEN))
    targets = label_entries(found, SEVEN, Data()).targets
    assert targets.tolist() == [[0.5, 0.5, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (
            {"feliz": 3, "triste": 3},
            "stress has no training image; there is no folder train/str",
        ),
        ({"feliz": 3, "triste": 3, "estresado": 0}, "the folder train/estresado is empty"),
        ({"feliz": 3, "triste": 3, "estresado": 1}, "stress has only one training image"),
        ({"feliz": 3}, "happiness is the only class"),
    ],
)
def test_classes_that_cannot_be_learned(
    tmp_path: Path, folders: dict[str, int], message: str
) -> None:
    names = {f"train/{name}": count for name, count in folders.items()}
    found = read_dataset(write_folder(tmp_path / "set", names))
    with pytest.raises(Refused, match=message):
        check_classes(found, label_entries(found, THREE, Data()), THREE)
