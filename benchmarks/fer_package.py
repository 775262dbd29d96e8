"""The PyPI package `fer` in its usual loop beside the whole command `semblante label`.

    uv venv fer && VIRTUAL_ENV=fer uv pip install fer 'opencv-contrib-python<5' 'setuptools<80'
    .venv/bin/python benchmarks/fer_package.py --fer fer/bin/python

Both take the same JPEG crops of 100 px. Of `fer` only the loop counts, not its start; it is told
that each image is one face, and reads files from a folder that lie in memory already.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

from semblante_worker.bench.end_to_end import run_label
from semblante_worker.bench.sample import generate_sample

LOOP = """
import sys, time
from pathlib import Path
import cv2
from fer.fer import FER
detector = FER()
paths = sorted(Path(sys.argv[1]).rglob("*.jpg"))
def label(path):
    image = cv2.imread(str(path))
    height, width = image.shape[:2]
    return detector.detect_emotions(image, face_rectangles=[(0, 0, width, height)])
label(paths[0])
started = time.perf_counter()
found = sum(len(label(path)) for path in paths)
print(found / (time.perf_counter() - started))
"""


def main() -> None:
    """Run both in turn and print images per second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fer", required=True, help="Python of fer's environment.")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--model", default="resnet18-raf7-fast")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = generate_sample(100, 100, given.images, folder)
        with zipfile.ZipFile(sample.archive) as archive:
            archive.extractall(folder / "files")
        fer = loop_rate(given.fer, folder / "files")
        output = ("-o", str(folder / "results.csv"), "--data", str(folder / "data"))
        words = (str(sample.archive), "--model", given.model, *output)
        seconds, _ = run_label(words, os.environ)
    ours = given.images / seconds
    print(f"fer, loop alone: {fer:,.0f} images/s")
    print(f"semblante label --model {given.model}, whole command: {ours:,.0f} images/s")
    print(f"ratio {ours / fer:.2f}")


def loop_rate(python: str, files: Path) -> float:
    """Return images per second of fer's loop."""
    run = subprocess.run(
        [python, "-c", LOOP, str(files)], check=True, text=True, stdout=subprocess.PIPE
    )
    return float(run.stdout.split()[-1])


if __name__ == "__main__":
    main()
