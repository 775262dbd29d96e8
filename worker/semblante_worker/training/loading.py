"""Batches of training and validation pictures, decoded by loader processes where that pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from semblante.card import Preprocess
from semblante.errors import ImageError
from semblante.picture import open_picture
from semblante_worker.datasets.picture_store import MOST_PIXELS, PictureStore
from semblante_worker.decode import usable_cores
from semblante_worker.preprocess import prepare
from semblante_worker.training.augment import build_augmentation, to_pixels
from semblante_worker.training.labels import Labelled
from semblante_worker.training.readable import Unreadable
from semblante_worker.training.recipe import Augmentation, Recipe
from semblante_worker.training.seeds import seeded

Key = tuple[int, int]
"""A row of the pictures, and the seed of what happens to it."""
Example = tuple[Tensor, int, Tensor]
Batch = tuple[Tensor, Tensor, Tensor]
"""Pixels uint8 [n, h, w] or [n, h, w, 3]; labels int64 [n]; targets float32 [n, classes]."""

MOST_PROCESSES = 16


class Pictures(Dataset[Example | Unreadable]):
    """Pictures by row: augmented by the key's seed, or prepared as for inference."""

    def __init__(
        self,
        store: PictureStore,
        labelled: Labelled,
        spec: Preprocess,
        augmentation: Augmentation | None,
    ) -> None:
        self._store = store
        self._labelled = labelled
        self._spec = spec
        self._steps = None if augmentation is None else build_augmentation(augmentation, spec)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._labelled)

    def __getitem__(self, key: Key) -> Example | Unreadable:
        """Return pixels, label and target of a key, or why there are none.

        An exception would lose its code on the way out of a loader process.
        """
        row, seed = key
        path = self._labelled.entries[row].path
        try:
            image = open_picture(self._store.read(path), MOST_PIXELS)
        except ImageError as error:
            return Unreadable(path, error.code, error.message)
        if self._steps is None:
            pixels = torch.from_numpy(np.array(prepare(image, self._spec)))
        else:
            with seeded(seed):
                pixels = to_pixels(image, self._steps)
        return (
            pixels,
            int(self._labelled.labels[row]),
            torch.from_numpy(self._labelled.targets[row]),
        )


class Plan:
    """The batches of the next epoch; loaders ask for it at the beginning of each."""

    def __init__(self, batches: Sequence[Sequence[Key]] = ()) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[Key]]:
        """Return the batches."""
        return (list(batch) for batch in self.batches)

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.batches)


class Loader:
    """Gives the batches of a plan; its processes live as long as it does."""

    def __init__(
        self, pictures: Pictures, origin: Path, recipe: Recipe, device: torch.device
    ) -> None:
        self._origin = origin
        self._plan = Plan()
        processes = recipe.loader_processes
        if processes is None:
            processes = 0 if device.type == "cpu" else min(usable_cores(), MOST_PROCESSES)
        self._loader: DataLoader[Example | Unreadable] = DataLoader(
            pictures,
            batch_sampler=self._plan,  # its keys are pairs, not rows
            collate_fn=_collate,
            num_workers=processes,
            persistent_workers=processes > 0,
            pin_memory=device.type == "cuda",
            # Else it draws from the generator of dropout and mixup, and not at every epoch alike.
            generator=torch.Generator(),
        )

    def batches(self, plan: Sequence[Sequence[Key]]) -> Iterator[Batch]:
        """Yield the batches of `plan`, in its order.

        Raises:
            ImageError: A picture could be read when the run began, and now it cannot.
        """
        self._plan.batches = plan
        for batch in self._loader:
            if isinstance(batch, Unreadable):
                raise ImageError(
                    batch.code,
                    f"{self._origin}: {batch.path} can no longer be read: {batch.reason} Bring it "
                    "back, and go on by --resume.",
                )
            yield batch


def _collate(examples: list[Example | Unreadable]) -> Batch | Unreadable:
    """Return the batch of these pictures, or the first that cannot be read."""
    for example in examples:
        if isinstance(example, Unreadable):
            return example
    return cast("Batch", default_collate(examples))


def in_order(count: int, size: int) -> list[list[Key]]:
    """Return a plan of all rows as they come, in batches of `size`."""
    return [[(row, 0) for row in range(at, min(at + size, count))] for at in range(0, count, size)]
