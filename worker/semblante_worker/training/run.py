"""A training run: from a data set and a recipe to a bundle, epoch by epoch.

The run's folder becomes the bundle (`card.json`, `model.safetensors`, `openvino.xml`), with
`recipe.json`, `overview.json`, `metrics.json` and `report/` beside it, and the state to resume from
in `checkpoint/`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from semblante.bundles import Bundle
from semblante.errors import TrainingError
from semblante.settings import Settings
from semblante_worker.architectures import build_network
from semblante_worker.bundle_writing import round_weights
from semblante_worker.engines.torch_engine import choose_device
from semblante_worker.evaluation.report import require_drawing
from semblante_worker.export.tools import require_tools
from semblante_worker.folding import level_batch_norms
from semblante_worker.training.divergence import check_validation
from semblante_worker.training.epochs import Course
from semblante_worker.training.finish import FinishedRun, finish_run
from semblante_worker.training.gathering import Gathered, gather
from semblante_worker.training.overview import look, render
from semblante_worker.training.precision import choose_precision
from semblante_worker.training.recipe import Recipe
from semblante_worker.training.recipe_files import RECIPE
from semblante_worker.training.reporter import Reporter
from semblante_worker.training.run_folder import (
    CHECKPOINT,
    OVERVIEW,
    read_before,
    read_overview,
    write_json,
)
from semblante_worker.training.run_state import Progress, read_best
from semblante_worker.training.seeds import derive_seed
from semblante_worker.training.stages import set_dropout
from semblante_worker.training.starting_weights import (
    Taken,
    download_weights,
    fingerprint,
    read_weights,
    take_weights,
)


@dataclass(frozen=True)
class Request:
    """What a person asks for; `init` is a file of starting weights, `exclude` a list of names.

    `export` adds the graph for CPUs; `settings` are those of the engines that measure it.
    """

    dataset: Path
    recipe: Recipe
    folder: Path
    name: str
    init: Path | None = None
    exclude: Path | None = None
    resume: bool = False
    device: str = "auto"
    seed: int = 1
    export: bool = True
    settings: Settings = field(default_factory=Settings)


def run_training(request: Request, reporter: Reporter) -> Bundle:
    """Train, or go on with a run that was broken off, and write the bundle.

    Raises:
        Refused: the data set cannot be used; see `gather`.
        TrainingError: `invalid_weights`; `invalid_recipe`, when the training diverges; or
            `run_differs` when resuming.
        ImageError: a picture could be read before the first epoch, and later it could not.
        Conflict: `run_exists`, when the folder holds a run and resuming was not asked for, or holds
            anything but a run to go on with.
        Unavailable: `component_missing`, for a device or a tool that is not there.
    """
    require_drawing()  # not first when the epochs are over
    if request.export:
        require_tools()
    recipe, folder = request.recipe, request.folder
    device = choose_device(request.device)
    before = read_before(folder, is_resumed=request.resume)
    gathered = gather(request.dataset, recipe, request.seed, request.exclude, reporter)
    identity = _identity(request, gathered)
    init = "" if request.init is None else fingerprint(request.init)
    if before is not None and (before.identity != identity or init not in ("", before.init)):
        raise _differs(folder, gathered)
    folder.mkdir(parents=True, exist_ok=True)
    torch.backends.cudnn.deterministic = True
    network, taken = _make_network(request, is_resumed=before is not None)
    if before is None:
        overview = look(recipe, gathered, network, device, taken, request.seed)
        write_json(folder / OVERVIEW, overview)
        write_json(folder / RECIPE, json.loads(recipe.model_dump_json(exclude_unset=True)))
        reporter.say(render(overview))
    else:
        overview = read_overview(folder)
        precision = choose_precision(recipe.precision, device)
        reporter.say(f"Resuming after epoch {before.epoch} of {recipe.epochs}, in {precision}")
    course = Course(recipe, gathered, network, device, request.seed, folder / CHECKPOINT, reporter)
    progress = course.follow(before or Progress(identity=identity, init=init))
    network.load_state_dict(read_best(folder / CHECKPOINT, progress))
    network = level_batch_norms(network)
    weights = round_weights(network.state_dict())
    network.load_state_dict(weights)
    validation = course.validate_exactly(network)
    check_validation(progress.best_epoch, validation, None)
    finished = FinishedRun(
        name=request.name,
        recipe=recipe,
        progress=progress,
        gathered=gathered,
        weights=weights,
        validation=validation,
        overview=overview,
    )
    return finish_run(finished, folder, request.settings if request.export else None)


def _differs(folder: Path, gathered: Gathered) -> TrainingError:
    message = (
        f"The run in {folder} had another recipe, seed, --init or data set: give the same again, "
        "or name another folder."
    )
    if gathered.unreadable:
        first = gathered.unreadable[0]
        message += (
            f" Of the data set {len(gathered.unreadable)} images cannot be read now, as "
            f"{first.path}: perhaps they could be then."
        )
    return TrainingError("run_differs", message)


def _make_network(request: Request, *, is_resumed: bool) -> tuple[nn.Module, Taken | None]:
    """Return the network with its starting weights; what a resumed one has comes from its state."""
    recipe = request.recipe
    torch.manual_seed(derive_seed(request.seed, "network"))
    network = build_network(recipe.architecture, len(recipe.classes))
    set_dropout(network, recipe.architecture, recipe.dropout)
    if is_resumed or (request.init is None and not recipe.pretrained):
        return network, None
    if request.init is not None:
        tensors, origin = read_weights(request.init), request.init.name
    else:
        tensors = download_weights(recipe.architecture)
        origin = f"torchvision's ImageNet weights of {recipe.architecture} (IMAGENET1K_V1)"
    return network, take_weights(network, tensors, origin)


def _identity(request: Request, gathered: Gathered) -> str:
    """Return a digest of all that decides what is learned, but for the starting weights."""
    excluded = {"loader_processes", "description", "terms", "limits"}
    content = request.recipe.model_dump_json(exclude=excluded)
    text = f"{content}\n{request.seed}\n{gathered.fingerprint()}"
    return hashlib.sha256(text.encode()).hexdigest()
