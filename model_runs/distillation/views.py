"""Views of the training pictures, and the targets made of what the teachers say of them.

The targets are a mean of the label and of the teachers' probabilities, of two pictures in one
those alone (Hinton et al., *Distilling the knowledge in a neural network*, 2015; teacher and
student see the same view in a long course, as in Beyer et al., *Knowledge distillation: a good
teacher is patient and consistent*, CVPR 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_runs.distillation.pictures import CLASSES, LEAST_SHARE, Pictures, class_weights

FERPLUS_SHARE = 0.35
TEACHERS_SHARE = 0.7
"""Of a target; the rest is the label, where there is one."""

FACES_SHARE = 0.5
"""Of what the teachers say; the rest is what the ResNets say."""

SMOOTHING = 0.05


@dataclass(frozen=True, eq=False)
class Views:
    """What `make_views.py` wrote, and the targets made of it."""

    pixels: NDArray[np.uint8]
    targets: Tensor
    embeddings: Tensor
    rafdb: NDArray[np.intp]
    ferplus: NDArray[np.intp]
    weights: NDArray[np.float64]
    """How often to draw each of `rafdb`."""

    def draw(self, count: int, generator: np.random.Generator) -> NDArray[np.intp]:
        """Return the places of some views of RAF-DB, rare classes a little oftener, and FERPlus."""
        ferplus = round(count * FERPLUS_SHARE)
        rafdb = generator.choice(self.rafdb, count - ferplus, p=self.weights)
        return np.concatenate([rafdb, generator.choice(self.ferplus, ferplus)])

    def batch(self, rows: NDArray[np.intp]) -> Tensor:
        """Return float32 [n, 1, side, side], 0 to 255."""
        return torch.from_numpy(self.pixels[rows])[:, None].float()


def unite(
    faces: NDArray[np.float32], resnets: NDArray[np.float32], share: float = FACES_SHARE
) -> NDArray[np.float32]:
    """Return what all teachers say, [n, CLASSES]; `share` of it is the face networks'."""
    return share * faces + (1 - share) * resnets


def sharpen(shares: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities, [n, CLASSES], at another temperature: as sure as they should be."""
    powers = shares ** np.float32(1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def doubts(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the entropy, [n], in nats."""
    return np.asarray(-(shares * np.log(shares + LEAST_SHARE)).sum(axis=1))


def read_views(
    paths: Sequence[Path],
    pictures: Pictures,
    teachers_share: float = TEACHERS_SHARE,
    faces_share: float = FACES_SHARE,
    temperature: float = 1.0,
    least_doubt: float | None = None,
) -> Views:
    """Read the views of all files and mix their targets.

    Args:
        teachers_share: of a target.
        faces_share: of what the teachers say.
        temperature: at which they say it.
        least_doubt: where given, RAF-DB's views are drawn the oftener the less sure the teachers
            are: in proportion to the entropy of what they say, in nats, and this.
    """

    def read(name: str) -> NDArray[Any]:
        return np.concatenate([stored[name] for stored in files])

    with ExitStack() as stack:
        files = [stack.enter_context(np.load(path)) for path in paths]
        rows, pixels, is_mixed = read("rows"), read("pixels"), read("is_mixed")
        faces, resnets = (read(name).astype(np.float32) for name in ("faces", "resnets"))
        embeddings = torch.from_numpy(read("embeddings")).float()
    said = sharpen(unite(faces, resnets, faces_share), temperature)
    share = np.where(is_mixed, 1, teachers_share).astype(np.float32)[:, None]
    labels = pictures.targets[rows] * (1 - SMOOTHING) + SMOOTHING / CLASSES
    rafdb = np.nonzero(pictures.is_rafdb[rows])[0]
    weights = class_weights(pictures.labels[rows[rafdb]], 0.25)
    if least_doubt is not None:
        weights = weights * (least_doubt + doubts(said[rafdb]))
    return Views(
        pixels=pixels,
        targets=torch.from_numpy(share * said + (1 - share) * labels),
        embeddings=(embeddings - embeddings.mean(0)) / (embeddings.std(0) + 1e-6),
        rafdb=rafdb,
        ferplus=np.nonzero(~pictures.is_rafdb[rows])[0],
        weights=weights / weights.sum(),
    )
