"""Groups of faces for one forward pass; each face carries the row that its pixels lie in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from semblante_worker.outcome import Decoded, Face, Unlabelled
from semblante_worker.preprocess import Pixels

UNLABELLED_PER_ROW = 4


@dataclass(frozen=True, slots=True)
class Batched:
    """A face whose pixels are in row `row` of its batch."""

    face: Face
    row: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Faces and images without any in the order of the archive; uint8 pixels [faces, *shape]."""

    outcomes: tuple[Batched | Unlabelled, ...]
    pixels: Pixels


def group_faces(
    outcomes: Iterable[Decoded | Unlabelled], batch_size: int, shape: tuple[int, ...]
) -> Iterator[Batch]:
    """Yield batches of at most `batch_size` faces, with all outcomes, in order.

    Images without pixels end a batch, too, when there are `UNLABELLED_PER_ROW` for each row: a run
    of bad ones is reported without waiting for good ones. A batch of them only has 0 rows.
    """
    batch = _OpenBatch(batch_size, shape)
    for outcome in outcomes:
        batch.add(outcome)
        if batch.is_full:
            yield batch.close()
            batch = _OpenBatch(batch_size, shape)
    if not batch.is_empty:
        yield batch.close()


class _OpenBatch:
    """A batch being filled: pixels are copied at once, so that no decoded image outlives it."""

    def __init__(self, batch_size: int, shape: tuple[int, ...]) -> None:
        self._pixels: Pixels = np.empty((batch_size, *shape), dtype=np.uint8)
        self._outcomes: list[Batched | Unlabelled] = []
        self._rows = 0

    @property
    def is_empty(self) -> bool:
        return not self._outcomes

    @property
    def is_full(self) -> bool:
        size = len(self._pixels)
        return self._rows == size or len(self._outcomes) == UNLABELLED_PER_ROW * size

    def add(self, outcome: Decoded | Unlabelled) -> None:
        if not isinstance(outcome, Decoded):
            self._outcomes.append(outcome)
            return
        self._pixels[self._rows] = outcome.pixels
        self._outcomes.append(Batched(outcome.face, self._rows))
        self._rows += 1

    def close(self) -> Batch:
        return Batch(tuple(self._outcomes), self._pixels[: self._rows])
