"""What decoding large JPEG files at a fraction of their size does to labels, and to the time.

    .venv/bin/python benchmarks/scaled_decode.py ../shared/datasets/rafdb_train.zip --images 1000

Faces of the archive are enlarged to photographs (`--side` pixels), saved as JPEG, and labelled
after both ways of decoding: small, as workers do, and whole, by Pillow.
"""

from __future__ import annotations

import argparse
import io
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from semblante.bundles import shipped_bundle
from semblante.picture import open_picture
from semblante_worker.engines import Numbers, load_engine
from semblante_worker.jpeg import open_jpeg
from semblante_worker.preprocess import Pixels, prepare, prepare_pixels

QUALITY = 90
MOST_PIXELS = 100_000_000


def photographs(archive: Path, images: int, side: int) -> list[bytes]:
    """Return faces spread over the archive, enlarged, as JPEG files."""
    files = []
    with zipfile.ZipFile(archive) as members:
        names = [name for name in members.namelist() if name.endswith(".jpg")]
        for name in names[:: max(1, len(names) // images)][:images]:
            picture = Image.open(io.BytesIO(members.read(name))).convert("RGB")
            buffer = io.BytesIO()
            large = picture.resize((side, side), Image.Resampling.BICUBIC)
            large.save(buffer, "JPEG", quality=QUALITY)
            files.append(buffer.getvalue())
    return files


def main() -> None:
    """Decode both ways, label, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--model", default="resnet18-raf7")
    arguments = parser.parse_args()
    bundle = shipped_bundle(arguments.model)
    spec = bundle.card.preprocess
    files = photographs(arguments.archive, arguments.images, arguments.side)

    def small(data: bytes) -> Pixels:
        opened = open_jpeg(data, spec, MOST_PIXELS)
        if opened is None:
            raise ValueError("a photograph of ours goes the long way")
        return prepare_pixels(opened.pixels, spec)

    def whole(data: bytes) -> Pixels:
        return prepare(open_picture(data, MOST_PIXELS), spec)

    engine = load_engine(bundle, "cpu")
    answers: list[Numbers] = []
    for name, decode in (("small", small), ("whole", whole)):
        started = time.process_time()
        pixels = [decode(data) for data in files]
        seconds = (time.process_time() - started) / len(files)
        print(f"{name}: {seconds * 1e6:,.0f} us of processor time per image")
        answers.append(engine.predict(np.stack(pixels)))
    equal = (answers[0].argmax(axis=1) == answers[1].argmax(axis=1)).mean()
    difference = np.abs(answers[0] - answers[1])
    print(
        f"{len(files)} images of {arguments.side} px: {equal:.2%} equal labels; probabilities "
        f"differ by {difference.mean():.4f} on average, by {difference.max():.3f} at most"
    )


if __name__ == "__main__":
    main()
