"""The pictures of a run: read, labelled, divided and checked."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semblante.errors import Refused
from semblante_worker.datasets.dataset import Dataset, read_dataset
from semblante_worker.datasets.name_list import read_names
from semblante_worker.training.labels import (
    Labelled,
    check_classes,
    check_validation,
    label_entries,
    names_of,
    plain,
)
from semblante_worker.training.readable import Unreadable, find_unreadable
from semblante_worker.training.recipe import Recipe
from semblante_worker.training.reporter import Reporter
from semblante_worker.training.sampling import rows_of_sources
from semblante_worker.training.split import split_labelled


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a run trains on and validates with; `unreadable` pictures are in neither."""

    dataset: Dataset
    train: Labelled
    validation: Labelled
    unreadable: tuple[Unreadable, ...]

    def fingerprint(self) -> str:
        """Return a digest of the parts: paths, sources, labels and targets, in hexadecimal."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation):
            digest.update(b"part\n")
            for entry, label in zip(part.entries, part.labels, strict=True):
                # A name may hold any character; ascii() keeps two names apart, and takes them all.
                digest.update(f"{label} {entry.source!a} {entry.path!a}\n".encode("ascii"))
            digest.update(part.targets.astype("<f4").tobytes())
        return digest.hexdigest()

    def counts(self, recipe: Recipe) -> dict[str, Any]:
        """Return the number of pictures of each class in training and validation.

        `unused` has those of the data set's parts that are in neither, by part and class.
        """
        counts: dict[str, Any] = {}
        for name, part in (("train", self.train), ("validation", self.validation)):
            numbers = np.bincount(part.labels, minlength=len(recipe.classes))
            counts[name] = {
                c.id: int(number) for c, number in zip(recipe.classes, numbers, strict=True)
            }
        unused = self._unused(recipe)
        return counts | ({"unused": unused} if unused else {})

    def _unused(self, recipe: Recipe) -> dict[str, dict[str, int]]:
        """Return the unused pictures by part and class; classes that the recipe lacks come last."""
        used = {entry.path for part in (self.train, self.validation) for entry in part.entries}
        used.update(picture.path for picture in self.unreadable)
        known, ids = names_of(recipe.classes), [c.id for c in recipe.classes]
        found: dict[str, Counter[tuple[int, str]]] = {}
        for entry in self.dataset.entries:
            if entry.path not in used:
                place = known.get(plain(entry.label), len(ids))
                name = ids[place] if place < len(ids) else entry.label
                found.setdefault(entry.split, Counter())[place, name] += 1
        return {
            part: {name: number for (_place, name), number in sorted(numbers.items())}
            for part, numbers in sorted(found.items())
        }


def gather(
    path: Path, recipe: Recipe, seed: int, exclude: Path | None, reporter: Reporter
) -> Gathered:
    """Read the data set `path` for `recipe`; unreadable pictures are named and left out.

    Raises:
        Refused: see `read_dataset`, `label_entries`, `check_classes`, `split_labelled` and
            `check_validation`; the message names the folder or file.
    """
    known = names_of(recipe.classes)
    dataset = read_dataset(path, lambda name: plain(name) in known)
    if exclude is not None:
        names = read_names(exclude)
        kept = dataset.without(names)
        left_out = len(dataset.entries) - len(kept.entries)
        reporter.say(f"Left out by {exclude.name}: {left_out} of {len(names)} names found")
        dataset = kept
    labelled = label_entries(dataset, recipe.classes, recipe.data)
    check_classes(dataset, labelled.take(_rows(labelled, "train")), recipe.classes)
    train, validation = split_labelled(labelled, recipe.data, seed)
    entries = (*train.entries, *validation.entries)
    with reporter.bar("Checking the images", len(entries)) as tell:
        unreadable = find_unreadable(dataset.store, entries, tell)
    for picture in unreadable:
        reporter.say(f"Left out: {picture.path}: {picture.reason} [{picture.code}]")
    if unreadable:
        bad = {picture.path for picture in unreadable}
        reporter.say(f"{len(bad)} unreadable images are left out.")
        train, validation = _without(train, bad), _without(validation, bad)
        check_classes(dataset, train, recipe.classes, "readable training")
    check_validation(dataset, validation, recipe.classes)
    _check_sources(path, train, recipe)
    return Gathered(dataset, train, validation, tuple(unreadable))


def _rows(labelled: Labelled, split: str) -> list[int]:
    return [row for row, entry in enumerate(labelled.entries) if entry.split == split]


def _without(labelled: Labelled, bad: set[str]) -> Labelled:
    return labelled.take([row for row, e in enumerate(labelled.entries) if e.path not in bad])


def _check_sources(path: Path, train: Labelled, recipe: Recipe) -> None:
    for number, phase in enumerate(recipe.phases):
        if len(rows_of_sources(train, phase)) < 2:
            sources = ", ".join(phase.sources)
            raise Refused(
                "empty_dataset", f"{path}: phases.{number} finds no two images from {sources}."
            )
