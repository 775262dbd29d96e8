"""Mix what a model says of a data set's training pictures into their targets.

    python model_runs/soften_labels.py joined.zip resnet18-raf7 --share 0.5 -o softened.zip

A network that learns from such targets learns which classes another one finds alike in a picture
(Hinton et al., Distilling the knowledge in a neural network, 2015), and wrong labels count less.
MODEL is a shipped bundle's name or a folder; it looks at each picture and at its mirror image, at
temperature 1. Validation pictures, and all bytes of pictures, stay as they are.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semblante.bundles import read_bundle, shipped_bundle
from semblante.card import Preprocess
from semblante.picture import open_picture
from semblante_worker.engines import Engine, load_engine
from semblante_worker.preprocess import prepare

BATCH = 64
MOST_PIXELS = 10**7
SHARES = [f"p{number}" for number in range(1, 8)]
"""The columns of targets, in the order of RAF-DB's folders, which is that of the classes."""


def shares_of(
    archive: zipfile.ZipFile, paths: list[str], engine: Engine, spec: Preprocess, temperature: float
) -> NDArray[np.float64]:
    """Return float64 [n, 7]: the mean of each picture's and its mirror image's probabilities."""
    shares = []
    for at in range(0, len(paths), BATCH):
        pictures = [open_picture(archive.read(p), MOST_PIXELS) for p in paths[at : at + BATCH]]
        pixels = np.stack([np.array(prepare(picture, spec)) for picture in pictures])
        both = (engine.predict(pixels), engine.predict(np.ascontiguousarray(pixels[:, :, ::-1])))
        shares.append(np.mean([_uncalibrated(said, temperature) for said in both], axis=0))
        print(f"\r{at + len(pictures)}/{len(paths)}", end="", flush=True)
    print()
    return np.concatenate(shares)


def _uncalibrated(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Return the probabilities at temperature 1."""
    powers = np.maximum(probabilities.astype(np.float64), 1e-12) ** temperature
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def soften(data: Path, model: str, share: float, output: Path) -> None:
    """Write the data set with new targets."""
    bundle = (
        read_bundle(Path(model), verify=True) if Path(model).is_dir() else shipped_bundle(model)
    )
    engine = load_engine(bundle, "cpu", 2, "auto")
    with zipfile.ZipFile(data) as archive, zipfile.ZipFile(output, "w") as softened:
        with archive.open("manifest.csv") as raw:
            rows = list(csv.DictReader(io.TextIOWrapper(raw, "utf-8")))
        learned = [row for row in rows if row["split"] == "train"]
        said = shares_of(
            archive,
            [row["path"] for row in learned],
            engine,
            bundle.card.preprocess,
            bundle.card.temperature,
        )
        for row, shares in zip(learned, said, strict=True):
            for column, value in zip(SHARES, shares, strict=True):
                row[column] = f"{(1 - share) * float(row[column]) + share * value:.4g}"
        for row in rows:
            softened.writestr(row["path"], archive.read(row["path"]))
        manifest = io.StringIO(newline="")
        table = csv.DictWriter(manifest, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
        softened.writestr("manifest.csv", manifest.getvalue())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("model")
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    soften(arguments.dataset, arguments.model, arguments.share, arguments.output)
