"""Views of the training pictures, and the targets made of what the teachers say of them.

The targets are a mean of the label and of the teachers' probabilities, of a mixture of pictures
those alone (Hinton et al., *Distilling the knowledge in a neural network*, 2015; teacher and
student see the same view in a long course, as in Beyer et al., *Knowledge distillation: a good
teacher is patient and consistent*, CVPR 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_runs.distillation.pictures import CLASSES, Pictures, class_weights

FERPLUS_SHARE = 0.35
TEACHERS_SHARE = 0.7
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


def unite(faces: NDArray[np.float32], resnets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what all teachers say, [n, CLASSES]."""
    return FACES_SHARE * faces + (1 - FACES_SHARE) * resnets


def read_views(path: Path, pictures: Pictures) -> Views:
    """Read views and mix their targets."""
    with np.load(path) as stored:
        rows, pixels = stored["rows"], stored["pixels"]
        faces, resnets = (stored[name].astype(np.float32) for name in ("faces", "resnets"))
        said = unite(faces, resnets)
        embeddings = torch.from_numpy(stored["embeddings"]).float()
        share = np.where(stored["is_mixed"], 1, TEACHERS_SHARE).astype(np.float32)[:, None]
    labels = pictures.targets[rows] * (1 - SMOOTHING) + SMOOTHING / CLASSES
    rafdb = np.nonzero(pictures.is_rafdb[rows])[0]
    return Views(
        pixels=pixels,
        targets=torch.from_numpy(share * said + (1 - share) * labels),
        embeddings=(embeddings - embeddings.mean(0)) / (embeddings.std(0) + 1e-6),
        rafdb=rafdb,
        ferplus=np.nonzero(~pictures.is_rafdb[rows])[0],
        weights=class_weights(pictures.labels[rows[rafdb]], 0.25),
    )
