"""The main job on a real archive: wall time, images/s, memory of each process, accuracy.

    .venv/bin/python benchmarks/label.py ../shared/datasets/rafdb_train.zip

Runs `semblante label` twice with a fresh data folder each, and compares the two CSVs. Accuracy is
given when the images lie in folders 1..7 (RAF-DB's order of emotions).
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from semblante.emotions import EMOTIONS

MIB = 1024**2
SAMPLE_SECONDS = 0.2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    archive = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / f"{run}.csv" for run in (1, 2)]
        for output in outputs:
            seconds, peaks = measure(archive, output, Path(folder) / f"data-{output.stem}")
            rows = read(output)
            print(f"{len(rows)} rows in {seconds:.1f} s, {len(rows) / seconds:.0f} rows/s in all")
            for name, peak in sorted(peaks.items()):
                print(f"  peak memory of {name}: {peak / MIB:.0f} MiB")
        same = outputs[0].read_bytes() == outputs[1].read_bytes()
        print(f"the two CSVs are {'the same' if same else 'DIFFERENT'}, byte for byte")
        report(rows)


def measure(archive: Path, output: Path, data: Path) -> tuple[float, dict[str, int]]:
    """Run the command; return its seconds and each process's peak resident memory in bytes."""
    command = [sys.executable, "-m", "semblante", "label", str(archive), "-o", str(output)]
    peaks: dict[str, int] = {}
    started = time.perf_counter()
    with subprocess.Popen([*command, "--data", str(data)]) as child:
        root = psutil.Process(child.pid)
        while child.poll() is None:
            for process in [root, *root.children(recursive=True)]:
                try:
                    name = role(process, root)
                    peaks[name] = max(peaks.get(name, 0), process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            time.sleep(SAMPLE_SECONDS)
    return time.perf_counter() - started, peaks


def role(process: psutil.Process, root: psutil.Process) -> str:
    """Return what a process of the tree is for."""
    if process == root:
        return "command"
    arguments = process.cmdline()
    if "worker" not in arguments:
        return "broker"
    parent = process.parent()
    return "worker parent" if parent == root else "worker child"


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
