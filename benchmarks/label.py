"""The main job on a real archive: wall time, images/s, memory of each process, accuracy.

    .venv/bin/python benchmarks/label.py ../shared/datasets/rafdb_train.zip

Runs `semblante label` twice with a fresh data folder each, and compares the two CSVs. Accuracy is
given when the images lie in folders 1..7 (RAF-DB's order of emotions).
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from pathlib import Path

from semblante.emotions import EMOTIONS
from semblante_worker.bench.end_to_end import run_label

MIB = 1024**2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    archive = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / f"{run}.csv" for run in (1, 2)]
        for output in outputs:
            data = Path(folder) / f"data-{output.stem}"
            words = (str(archive), "-o", str(output), "--data", str(data))
            seconds, peaks = run_label(words, os.environ)
            rows = read(output)
            print(f"{len(rows)} rows in {seconds:.1f} s, {len(rows) / seconds:.0f} rows/s in all")
            for name, peak in sorted(peaks.items()):
                print(f"  peak memory of {name}: {peak / MIB:.0f} MiB")
        same = outputs[0].read_bytes() == outputs[1].read_bytes()
        print(f"the two CSVs are {'the same' if same else 'DIFFERENT'}, byte for byte")
        report(rows)


def read(output: Path) -> list[dict[str, str]]:
    """Return the CSV's rows."""
    with output.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(rows: list[dict[str, str]]) -> None:
    """Print outcomes, and accuracy against folder names."""
    statuses = {status: sum(row["status"] == status for row in rows) for status in ("ok", "failed")}
    paths = {row["image_path"] for row in rows}
    print(f"statuses: {statuses}; {len(paths)} different paths")
    truths = {str(number): emotion.id for number, emotion in enumerate(EMOTIONS, 1)}
    known = [row for row in rows if Path(row["image_path"]).parent.name in truths]
    if known:
        right = sum(truths[Path(row["image_path"]).parent.name] == row["emotion"] for row in known)
        print(f"accuracy against the folders: {right / len(known):.4f} of {len(known)}")


if __name__ == "__main__":
    main()
