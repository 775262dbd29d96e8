"""Choosing pictures by a seed: the validation part, and at most so many of each class.

The choice depends on the seed and the paths only, not on the order in which a disk lists them.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from semblante.errors import Refused
from semblante_worker.training.labels import Labelled
from semblante_worker.training.recipe import Data


def split_labelled(labelled: Labelled, data: Data, seed: int) -> tuple[Labelled, Labelled]:
    """Return the training and the validation pictures; those of the test part may be neither.

    Raises:
        Refused: `empty_dataset`, when no validation picture is found.
    """
    train = take_per_class(_part(labelled, "train"), data.per_class, seed)
    for choice in data.validation_from:
        if choice == "split":
            train, validation = _stratified(train, data, seed)
        else:
            validation = _part(labelled, choice)
        if len(validation):
            return train, validation
    wanted = " or ".join(data.validation_from)
    raise Refused(
        "empty_dataset",
        f"The data set has no pictures for validation ({wanted}); see data.validation_from.",
    )


def take_per_class(labelled: Labelled, count: int | None, seed: int) -> Labelled:
    """Return at most `count` pictures of each class, in their order."""
    if count is None:
        return labelled
    rows: list[int] = []
    for label in np.unique(labelled.labels):
        rows += _shuffled(labelled, np.flatnonzero(labelled.labels == label), seed)[:count]
    return labelled.take(sorted(rows))


def _part(labelled: Labelled, split: str) -> Labelled:
    return labelled.take([row for row, e in enumerate(labelled.entries) if e.split == split])


def _stratified(labelled: Labelled, data: Data, seed: int) -> tuple[Labelled, Labelled]:
    """Take the share of each class, at least one picture, and never the last one."""
    sources = {entry.source for entry in labelled.entries}
    wanted = set(data.validation_sources)
    if wanted and sources != {""} and not wanted & sources:
        raise Refused(
            "empty_dataset",
            f"no picture is from {', '.join(sorted(wanted))} (data.validation_sources), "
            f"only from {', '.join(sorted(sources))}.",
        )
    is_candidate = np.array(
        [not wanted or not e.source or e.source in wanted for e in labelled.entries], dtype=bool
    )
    rows: list[int] = []
    for label in np.unique(labelled.labels):
        candidates = np.flatnonzero((labelled.labels == label) & is_candidate)
        count = min(max(1, round(len(candidates) * data.validation_share)), len(candidates) - 1)
        rows += _shuffled(labelled, candidates, seed)[: max(count, 0)]
    taken = np.zeros(len(labelled), dtype=bool)
    taken[rows] = True
    return labelled.take(np.flatnonzero(~taken)), labelled.take(np.flatnonzero(taken))


def _shuffled(labelled: Labelled, rows: NDArray[np.intp], seed: int) -> list[int]:
    def key(row: int) -> bytes:
        text = f"{seed}/{labelled.entries[row].path}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    return sorted((int(row) for row in rows), key=key)
