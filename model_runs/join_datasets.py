"""Join RAF-DB's training part and FER2013 with FERPlus' votes into one data set with a manifest.

    python model_runs/join_datasets.py FOLDER -o joined.zip

FOLDER holds `rafdb_train.zip`, `rafdb_train_exclude.txt` and `fer2013_ferplus_train.zip`. The bytes
of the pictures stay as they are. FERPlus' rules: a picture counts where the highest of the ten
votes is above 5 and one of the seven emotions; the shares of the votes are its target.

The validation part is the one that the first model of this project was trained without: the first
1,200 of RAF-DB's pictures in a shuffle of the archive's order (NumPy's default generator, seed 0).
The same of FERPlus, 1,000 pictures, that model has seen.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

VALIDATION = {"rafdb": 1200, "ferplus": 1000}
FOLDER_OF = {
    "surprise": 1, "fear": 2, "disgust": 3, "happiness": 4, "sadness": 5, "anger": 6, "neutral": 7,
}  # fmt: skip
OTHER_VOTES = ("contempt", "unknown", "NF")
MAJORITY = 5

Row = tuple[str, str, int, tuple[float, ...]]
"""Name in its zip, path in the joined one, label 1..7, shares of the seven."""


def rafdb_rows(archive: zipfile.ZipFile, excluded: set[str]) -> Iterator[Row]:
    """Yield the pictures in the archive's order; the folder is the label."""
    for name in archive.namelist():
        path = PurePosixPath(name)
        if path.suffix == ".jpg" and path.name not in excluded:
            label = int(path.parent.name)
            shares = tuple(float(label == folder) for folder in FOLDER_OF.values())
            yield name, f"rafdb/{label}/{path.name}", label, shares


def ferplus_rows(archive: zipfile.ZipFile) -> Iterator[Row]:
    """Yield the pictures with a majority, in the archive's order."""
    with archive.open("manifest.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")):
            votes = {name: int(row[name]) for name in (*FOLDER_OF, *OTHER_VOTES)}
            winner = max(votes, key=lambda name: votes[name])
            if winner in FOLDER_OF and votes[winner] > MAJORITY:
                total = sum(votes[name] for name in FOLDER_OF)
                shares = tuple(votes[name] / total for name in FOLDER_OF)
                yield row["path"], f"ferplus/{row['path']}", FOLDER_OF[winner], shares


def join(folder: Path, output: Path) -> None:
    """Write the joined zip."""
    names = (folder / "rafdb_train_exclude.txt").read_text().split()
    with (
        zipfile.ZipFile(folder / "rafdb_train.zip") as rafdb,
        zipfile.ZipFile(folder / "fer2013_ferplus_train.zip") as ferplus,
        zipfile.ZipFile(output, "w") as joined,
    ):
        manifest = io.StringIO(newline="")
        table = csv.writer(manifest)
        shares = [f"p{number}" for number in FOLDER_OF.values()]
        table.writerow(["path", "source", "split", "label", *shares])
        parts = {
            "rafdb": (rafdb, list(rafdb_rows(rafdb, set(names)))),
            "ferplus": (ferplus, list(ferplus_rows(ferplus))),
        }
        for source, (archive, rows) in parts.items():
            shuffled = np.random.default_rng(0).permutation(len(rows))
            held_out = set(shuffled[: VALIDATION[source]].tolist())
            for place, (name, path, label, shares_of_row) in enumerate(rows):
                joined.writestr(path, archive.read(name))
                split = "val" if place in held_out else "train"
                table.writerow(
                    [path, source, split, label, *(f"{share:.4g}" for share in shares_of_row)]
                )
            print(f"{source}: {len(rows)} pictures, {len(held_out)} of them for validation")
        joined.writestr("manifest.csv", manifest.getvalue())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    join(arguments.folder, arguments.output)
