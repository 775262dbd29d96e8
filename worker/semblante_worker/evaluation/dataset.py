"""A labelled data set, wherever it lies: paths, true classes, and the images' bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from semblante.errors import Refused
from semblante_worker.datasets.entry import Split
from semblante_worker.datasets.picture_store import Content
from semblante_worker.evaluation.metrics import Labels


class Reader(Protocol):
    """Where the images of a data set are read from."""

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Content]]:
        """Yield each image asked for, with its bytes or with why it has none, in that order."""


@dataclass(frozen=True)
class Dataset:
    """Images with their true classes: `paths` [n] and `truth` int64 [n].

    `outside` counts images that lie in no class folder, `other_classes` those of classes that the
    model lacks; both are left out.
    """

    name: str
    split: Split | None
    paths: tuple[str, ...]
    truth: Labels
    reader: Reader
    outside: int = 0
    other_classes: int = 0

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)


def check_classes(truth: Labels, name: str) -> None:
    """Check that the true classes can tell a good model from a bad one.

    Raises:
        Refused: `one_class_only`.
    """
    if len(np.unique(truth)) == 1:
        raise Refused(
            "one_class_only",
            f"{name}: all images are of one class; at least two are needed to measure anything.",
        )
