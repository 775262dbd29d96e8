"""Mix what a model says of a data set's training pictures into their targets.

    python model_runs/soften_labels.py joined.zip resnet18-raf7 --share 0.5 -o softened.zip

A network that learns from such targets learns which classes another one finds alike in a picture
(Hinton et al., Distilling the knowledge in a neural network, 2015), and wrong labels count less.
MODEL is an installed model's name or a bundle's folder; it looks at each picture and at its mirror
image, at temperature 1. Validation pictures, and all bytes of pictures, stay as they are.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path

import numpy as np

from semblante.picture import open_picture
from semblante.settings import Settings
from semblante_worker.datasets.picture_store import MOST_PIXELS
from semblante_worker.engines import Engine, Numbers, load_engine
from semblante_worker.evaluation.run import find_model
from semblante_worker.preprocess import prepare

BATCH = 64
SHARES = [f"p{number}" for number in range(1, 8)]
"""The columns of targets, in the order of RAF-DB's folders, which is that of the classes."""


def shares_of(archive: zipfile.ZipFile, paths: list[str], engine: Engine) -> Numbers:
    """Return float32 [n, 7]: the mean of each picture's and its mirror image's probabilities."""
    shares, spec = [], engine.bundle.card.preprocess
    for at in range(0, len(paths), BATCH):
        pictures = [open_picture(archive.read(p), MOST_PIXELS) for p in paths[at : at + BATCH]]
        pixels = np.stack([np.array(prepare(picture, spec)) for picture in pictures])
        both = (engine.predict(pixels), engine.predict(np.ascontiguousarray(pixels[:, :, ::-1])))
        shares.append(np.mean(both, axis=0))
        print(f"\r{at + len(pictures)}/{len(paths)}", end="", flush=True)
    print()
    return np.concatenate(shares)


def soften(data: Path, model: str, share: float, output: Path) -> None:
    """Write the data set with new targets."""
    settings = Settings()
    bundle = find_model(settings, model).at_temperature(1.0)
    engine = load_engine(bundle, settings.device, settings.compute_threads, settings.engine)
    with zipfile.ZipFile(data) as archive, zipfile.ZipFile(output, "w") as softened:
        with archive.open("manifest.csv") as raw:
            rows = list(csv.DictReader(io.TextIOWrapper(raw, "utf-8")))
        learned = [row for row in rows if row["split"] == "train"]
        said = shares_of(archive, [row["path"] for row in learned], engine)
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
