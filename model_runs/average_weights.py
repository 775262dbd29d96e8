"""Make a bundle of the weighted average of several runs' weights, and measure it.

    python model_runs/average_weights.py joined.zip starter.safetensors=0.5 run/best.safetensors=0.5
        --name resnet18-raf7 --prior 0.3 -o FOLDER

Runs that begin at the same weights can be averaged, and the average is often better than each
(Wortsman et al., Model soups, ICML 2022). `--prior` takes that share of the logarithm of each
class's frequency off its logit, which gives rare classes their due (Menon et al., Long-tail
learning via logit adjustment, ICLR 2021). FOLDER receives what `semblante train` writes: bundle,
metrics and report, on the data set's validation part.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from semblante.settings import Settings
from semblante_worker.architectures import build_network
from semblante_worker.bundle_writing import round_weights
from semblante_worker.engines.torch_engine import choose_device
from semblante_worker.training.epochs import Course
from semblante_worker.training.finish import FinishedRun, finish_run
from semblante_worker.training.gathering import gather
from semblante_worker.training.labels import Labelled
from semblante_worker.training.recipe_files import load_recipe
from semblante_worker.training.reporter import TerminalReporter
from semblante_worker.training.run_state import Progress
from semblante_worker.training.starting_weights import read_weights

SEED = 1
PRIOR_SOURCE = "rafdb"


def average(parts: dict[Path, float]) -> dict[str, Tensor]:
    """Return the weighted mean of the files' tensors, float32; counters are the first file's."""
    total = sum(parts.values())
    read = [(read_weights(path), share / total) for path, share in parts.items()]
    first = read[0][0]
    return {
        name: torch.stack([weights[name].float() * share for weights, share in read]).sum(dim=0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in first.items()
    }


def adjust_prior(weights: dict[str, Tensor], labelled: Labelled, strength: float) -> None:
    """Take `strength` times the logarithm of each class's share off the bias of the head."""
    is_source = np.array([entry.source == PRIOR_SOURCE for entry in labelled.entries])
    counts = np.bincount(labelled.labels[is_source], minlength=len(weights["fc.bias"]))
    shares = torch.tensor(counts / counts.sum(), dtype=torch.float32)
    weights["fc.bias"] = weights["fc.bias"].float() - strength * shares.log()


def main() -> None:
    """Average, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("weights", nargs="+", metavar="FILE=SHARE")
    parser.add_argument("--recipe", default="resnet18-best")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--name", required=True)
    parser.add_argument("--prior", type=float, default=0.0)
    parser.add_argument("--progress", type=Path, help="state.json of the run, for its curves")
    parser.add_argument("--device", default="CPU, 2 threads", help="of the runs, for the card")
    parser.add_argument("--origin", required=True, help="where the weights come from, for the card")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    parts = {
        Path(text.rpartition("=")[0]): float(text.rpartition("=")[2]) for text in arguments.weights
    }
    recipe = load_recipe(arguments.recipe, tuple(arguments.changes))
    reporter, device = TerminalReporter(), choose_device("cpu")
    gathered = gather(arguments.dataset, recipe, SEED, None, reporter)
    weights = average(parts)
    adjust_prior(weights, gathered.train, arguments.prior)
    network = build_network(recipe.architecture, len(recipe.classes))
    rounded = round_weights(weights)
    network.load_state_dict(rounded)
    arguments.output.mkdir(parents=True, exist_ok=True)
    course = Course(recipe, gathered, network, device, SEED, arguments.output, reporter)
    progress = Progress.model_validate_json(arguments.progress.read_bytes())
    overview = {
        "dataset": arguments.dataset.name,
        "starting_weights": arguments.origin,
        "device": arguments.device,
    }
    run = FinishedRun(
        name=arguments.name,
        recipe=recipe,
        progress=progress,
        gathered=gathered,
        weights=rounded,
        validation=course.validate_exactly(network),
        overview=overview,
    )
    bundle = finish_run(run, arguments.output, Settings())
    print(bundle.reference, bundle.card.metrics, bundle.card.openvino)


if __name__ == "__main__":
    main()
