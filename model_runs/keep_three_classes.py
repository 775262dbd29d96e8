"""Keep of a joined data set what mobilenetv2-tri3 knows, by the names of its classes.

    python model_runs/keep_three_classes.py joined.zip -o three.zip

`semblante train` skips the other classes itself; `semblante export` and `evaluate` want none.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path

from semblante_worker.training.labels import names_of
from semblante_worker.training.recipe_files import load_recipe

COLUMNS = ("path", "source", "split", "label")


def keep(data: Path, output: Path) -> None:
    """Write the pictures of the recipe's classes, and their manifest."""
    classes = load_recipe("mobilenetv2-tri3").classes
    class_of = {name: classes[place].id for name, place in names_of(classes).items()}
    with zipfile.ZipFile(data) as archive, zipfile.ZipFile(output, "w") as kept:
        manifest = io.StringIO(newline="")
        table = csv.DictWriter(manifest, COLUMNS, extrasaction="ignore")
        table.writeheader()
        with archive.open("manifest.csv") as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")):
                if row["label"] in class_of:
                    table.writerow({**row, "label": class_of[row["label"]]})
                    kept.writestr(row["path"], archive.read(row["path"]))
        kept.writestr("manifest.csv", manifest.getvalue())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    keep(arguments.dataset, arguments.output)
