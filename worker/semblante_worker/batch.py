"""Groups of images for one forward pass; each image carries the row that its pixels lie in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from semblante_worker.decode import Decoded, Failure
from semblante_worker.preprocess import Pixels


@dataclass(frozen=True, slots=True)
class Batched:
    """An image whose pixels are in row `row` of its batch."""

    row: int
    index: int
    width: int
    height: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Images and failures in the order of the archive, and uint8 pixels [images, *shape]."""

    outcomes: tuple[Batched | Failure, ...]
    pixels: Pixels


def group_images(
    outcomes: Iterable[Decoded | Failure], batch_size: int, shape: tuple[int, ...]
) -> Iterator[Batch]:
    """Yield batches of at most `batch_size` outcomes, all of them, in order.

    Failures count too, so that a run of bad images is reported without waiting for good ones;
    a batch of failures only has no pixels (0 rows).
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
        self._outcomes: list[Batched | Failure] = []
        self._rows = 0

    @property
    def is_empty(self) -> bool:
        return not self._outcomes

    @property
    def is_full(self) -> bool:
        return len(self._outcomes) == len(self._pixels)

    def add(self, outcome: Decoded | Failure) -> None:
        if isinstance(outcome, Failure):
            self._outcomes.append(outcome)
            return
        row = self._rows
        self._pixels[row] = outcome.pixels
        self._outcomes.append(
            Batched(row, outcome.index, outcome.width, outcome.height, outcome.sha256)
        )
        self._rows += 1

    def close(self) -> Batch:
        return Batch(tuple(self._outcomes), self._pixels[: self._rows])
