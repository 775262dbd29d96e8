"""Train the same recipe at several input sizes and table accuracy against speed.

    python model_runs/input_sizes.py joined.zip --init model.safetensors -o FOLDER

Every size starts from the same weights and sees the same pictures in the same order. The speed is
that of the bundle's own engine on every core of this machine, prepared pixels in, without decoding.
FOLDER receives the runs and `table.md`; sizes that are there already are not trained again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np

from semblante.bundles import Bundle, read_bundle
from semblante_worker.engines import load_engine
from semblante_worker.training.recipe_files import load_recipe
from semblante_worker.training.reporter import TerminalReporter
from semblante_worker.training.run import Request, run_training

SIZES = (224, 160, 112, 96, 80, 64)
PHASE = (
    'phases=[{epochs=3, optimizer="adamw", weight_decay=0.05, schedule="one_cycle", warmup=0.1, '
    "label_smoothing=0.05, learning_rates={head=2e-4, stage4=2e-4, "
    "stage3=1e-4, stage2=1e-4, stage1=1e-4, stem=1e-4}}]"
)
"""Three passes over `PER_CLASS` pictures of each class: what a CPU can do at every size."""
PER_CLASS = 600
BATCH = 64
SECONDS = 5.0


def train(dataset: Path, init: Path, side: int, folder: Path) -> Bundle:
    """Return the bundle of one size, trained unless it is there."""
    if (folder / "card.json").exists():
        return read_bundle(folder, verify=True)
    changes = (PHASE, f"preprocess.resize=[{side}, {side}]", f"data.per_class={PER_CLASS}")
    recipe = load_recipe("resnet18-best", changes)
    request = Request(dataset, recipe, folder, name=f"size-{side}", init=init, resume=True)
    return run_training(request, TerminalReporter())


def images_per_second(bundle: Bundle) -> float:
    """Return how many prepared images the engine takes, the median of several seconds."""
    engine = load_engine(bundle, "cpu")
    shape = (BATCH, *bundle.card.preprocess.shape)
    batch = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    engine.predict(batch)
    times: list[float] = []
    while sum(times) < SECONDS:
        started = perf_counter()
        engine.predict(batch)
        times.append(perf_counter() - started)
    return float(BATCH / np.median(times))


def main() -> None:
    """Train, measure, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--init", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [
        "| input | RAF-DB accuracy | mean recall | FERPlus accuracy | images/s |",
        "|---|---|---|---|---|",
    ]
    for side in SIZES:
        bundle = train(arguments.dataset, arguments.init, side, arguments.output / str(side))
        rafdb = bundle.card.metrics["validation rafdb"]
        ferplus = bundle.card.metrics["validation ferplus"]
        lines.append(
            f"| {side} px | {rafdb.accuracy:.2%} | {rafdb.mean_recall:.2%} | "
            f"{ferplus.accuracy:.2%} | {images_per_second(bundle):,.0f} |"
        )
        (arguments.output / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(lines[-1])


if __name__ == "__main__":
    main()
