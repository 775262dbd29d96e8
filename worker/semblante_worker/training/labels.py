"""From labels as data sets write them to the classes of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semblante.class_names import ClassNames
from semblante.emotions import EMOTIONS
from semblante.errors import Refused
from semblante_worker.datasets.dataset import Dataset
from semblante_worker.datasets.entry import Entry
from semblante_worker.training.recipe import Data, RecipeClass


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pictures with what the network should say of them.

    `labels` is int64 [n], `targets` float32 [n, classes], each row of which sums to 1.
    """

    entries: tuple[Entry, ...]
    labels: NDArray[np.int64]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.entries)

    def take(self, rows: NDArray[np.intp] | Sequence[int]) -> Labelled:
        """Return these rows, in this order."""
        picked = np.asarray(rows, dtype=np.intp)
        entries = tuple(self.entries[row] for row in picked)
        return Labelled(entries, self.labels[picked], self.targets[picked])


def label_entries(dataset: Dataset, classes: Sequence[RecipeClass], data: Data) -> Labelled:
    """Give every picture of `dataset` its class.

    Raises:
        Refused: `class_not_in_model` or `unknown_class`, unless the recipe skips such labels.
    """
    known = names_of(classes)
    entries = [entry for entry in dataset.entries if plain(entry.label) in known]
    if len(entries) < len(dataset.entries) and data.other_classes == "refuse":
        strange = next(entry for entry in dataset.entries if plain(entry.label) not in known)
        raise Refused(
            "class_not_in_model" if ClassNames(EMOTIONS).knows(strange.label) else "unknown_class",
            f"{dataset.origin}: {strange.path} has the label {strange.label!r}, which is no class "
            f"of the recipe; these are {describe(classes)}. Use a recipe with this class, or leave "
            "such pictures out by --set data.other_classes=skip.",
        )
    labels = np.array([known[plain(entry.label)] for entry in entries], dtype=np.int64)
    targets = np.eye(len(classes), dtype=np.float32)[labels]
    for row, entry in enumerate(entries):
        if entry.shares is not None:
            targets[row] = _shares(entry.shares, known, targets[row])
    return Labelled(tuple(entries), labels, targets)


def check_classes(
    dataset: Dataset, labelled: Labelled, classes: Sequence[RecipeClass], part: str = "training"
) -> None:
    """Check that every class has at least two pictures.

    Raises:
        Refused: `one_class_only` or `empty_class`; the message names the folder.
    """
    counts = np.bincount(labelled.labels, minlength=len(classes))
    found = [c.id for c, count in zip(classes, counts, strict=True) if count]
    if len(found) == 1:
        raise Refused(
            "one_class_only",
            f"{dataset.origin}: {found[0]} is the only class; at least two are needed.",
        )
    for c, count in zip(classes, counts, strict=True):
        if count == 0:
            what = f"no {part} image; {_where(dataset, c)}"
        elif count == 1:
            what = f"only one {part} image"
        else:
            continue
        raise Refused("empty_class", f"{dataset.origin}: the class {c.id} has {what}.")


def check_validation(dataset: Dataset, labelled: Labelled, classes: Sequence[RecipeClass]) -> None:
    """Check that validation can tell a good epoch from a bad one, and be measured afterwards.

    Raises:
        Refused: `empty_dataset` or `one_class_only`.
    """
    found = np.unique(labelled.labels)
    if not len(found):
        raise Refused("empty_dataset", f"{dataset.origin}: no image for validation can be read.")
    if len(found) == 1:
        raise Refused(
            "one_class_only",
            f"{dataset.origin}: all validation images are of the class {classes[found[0]].id}; add "
            "images of others to val, or validate with a part of the training images by "
            "--set 'data.validation_from=[\"split\"]'.",
        )


def names_of(classes: Sequence[RecipeClass]) -> dict[str, int]:
    """Return the position of each class by every name that it may have."""
    return {
        plain(name): position
        for position, c in reversed(list(enumerate(classes)))
        for name in c.names
    }


def plain(name: str) -> str:
    """Return a name without what does not count: capitals and spaces around it."""
    return name.strip().casefold()


def describe(classes: Sequence[RecipeClass]) -> str:
    """Return the classes with all their names."""
    return ", ".join(
        f"{c.id} ({', '.join(sorted(set(c.names) - {c.id}))})" if set(c.names) != {c.id} else c.id
        for c in classes
    )


def _shares(
    shares: Mapping[str, float], known: Mapping[str, int], single: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return votes as a target; votes for labels of no class do not count."""
    greatest = max(shares.values(), default=0.0)
    target = np.zeros(len(single), dtype=np.float64)
    for name, share in shares.items():
        position = known.get(plain(name))
        if position is not None and greatest > 0:
            target[position] += share / greatest  # so that no sum is too large for a float
    total = float(target.sum())
    return (target / total).astype(np.float32) if total > 0 else single


def _where(dataset: Dataset, c: RecipeClass) -> str:
    names = {plain(name) for name in c.names}
    for folder in dataset.empty_folders:
        if plain(folder.rpartition("/")[2]) in names:
            return f"the folder {folder} is empty"
    if dataset.layout == "manifest":
        return f"no row has the label {' or '.join(dict.fromkeys(c.names))}"
    folders = " or ".join(dict.fromkeys(c.names))
    return f"there is no folder {'train/' if dataset.layout == 'parts' else ''}{folders}"
