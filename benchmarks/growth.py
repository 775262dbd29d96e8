"""Whether cost grows linearly: the same small images, 20,000 and 1,000,000 of them.

    .venv/bin/python benchmarks/growth.py 20000 1000000

Runs `semblante label` on a generated zip of each size, with a stand-in model: a graph of one
product, so that all else is what is measured (decoding, rows, queue, index, CSV). Prints seconds
and images/s of the steps, and peak memory of each process; the last lines compare the sizes.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as operation
from sqlalchemy import create_engine, text

from semblante.bundles import shipped_bundle
from semblante.card import GRAPH, GRAPH_WEIGHTS
from semblante_worker.bench.end_to_end import run_label
from semblante_worker.bench.sample import generate_sample

MIB = 1024**2
SIDE = 32
"""Pixels of an image, and of what the stand-in model takes."""


@dataclass(frozen=True)
class Run:
    """One job: seconds of its steps and peak resident bytes by role."""

    images: int
    seconds: dict[str, float]
    peak_bytes: dict[str, int]

    @property
    def rate(self) -> float:
        """Images labelled a second, without starting, index and CSV."""
        return self.images / self.seconds["label"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int, nargs="+")
    parser.add_argument("--folder", type=Path, help="where the archives and data folders go")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        model = write_stand_in(Path(name) / "model")
        runs = []
        for images in given.images:
            runs.append(measure(images, model, Path(name) / str(images)))
            show(runs[-1])
    first, last = runs[0], runs[-1]
    print(f"{last.images:,} images at {last.rate / first.rate:.2f} of the rate of {first.images:,}")
    for role, peak in sorted(last.peak_bytes.items()):
        print(f"  {role}: {(peak - first.peak_bytes[role]) / MIB:+.0f} MiB")


def write_stand_in(folder: Path) -> Path:
    """Write a bundle with the classes of the shipped model; logits are one product of pixels."""
    shipped = shipped_bundle("resnet18-raf7")
    pixels = operation.parameter([-1, SIDE, SIDE], np.uint8, name="pixels")
    flat = operation.reshape(
        operation.convert(pixels, np.float32), np.array([0, SIDE * SIDE]), special_zero=True
    )
    weights = np.random.default_rng(0).normal(0, 1e-4, (SIDE * SIDE, len(shipped.classes)))
    logits = operation.matmul(flat, weights.astype(np.float32), False, False)
    folder.mkdir()
    openvino.save_model(openvino.Model([logits], [pixels]), folder / GRAPH, compress_to_fp16=False)
    card = json.loads(shipped.path("card.json").read_bytes())
    names = (GRAPH, GRAPH_WEIGHTS)
    card |= {
        "name": "stand-in",
        "preprocess": {**card["preprocess"], "resize": [SIDE, SIDE], "crop": None},
        "files": {
            name: {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
            for name in names
        },
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def measure(images: int, model: Path, folder: Path) -> Run:
    """Label a new archive in `folder`."""
    folder.mkdir()
    # In a process of its own, because the writer keeps the whole directory in memory.
    writer = multiprocessing.get_context("spawn").Process(
        target=generate_sample, args=(SIDE, SIDE, images, folder)
    )
    writer.start()
    writer.join()
    data = folder / "data"
    program = [sys.executable, "-m", "semblante"]
    subprocess.run([*program, "models", "import", str(model), "--data", str(data)], check=True)
    job = (str(folder / f"{SIDE}x{SIDE}.zip"), "-o", str(folder / "results.csv"))
    where = ("--data", str(data), "--model", "stand-in")
    total, peaks = run_label((*job, *where), os.environ)
    with (folder / "results.csv").open("rb") as file:
        assert sum(1 for _ in file) == images + 1
    return Run(images, {"all": total, **steps(data / "semblante.sqlite3")}, peaks)


def steps(database: Path) -> dict[str, float]:
    """Return the seconds of the only job's steps."""
    columns = ("created_at", "in_progress_at", "finalizing_at", "completed_at")
    with create_engine(f"sqlite:///{database}").connect() as connection:
        row = connection.execute(text(f"SELECT {', '.join(columns)} FROM jobs")).one()
    times = [datetime.fromisoformat(value) for value in row]
    names = ("index", "label", "finish")
    spans = [(end - begin).total_seconds() for begin, end in itertools.pairwise(times)]
    return dict(zip(names, spans, strict=True))


def show(run: Run) -> None:
    """Print one job."""
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in run.seconds.items())
    print(f"{run.images:,} images: {seconds}; {run.rate:,.0f} images/s labelled")
    for role, peak in sorted(run.peak_bytes.items()):
        print(f"  {role}: {peak / MIB:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
