"""The state of a run after its last whole epoch, written so that kill -9 at any time is harmless.

`state.json` names the files of tensors that belong to it and is replaced last: what it names is
whole. The seeds of an epoch follow from the run's (`seeds.py`), and so do the learning rates
(`schedule.py`): neither has a state of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn, optim

from semblante.errors import TrainingError
from semblante.replace import replaced_file
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.training.averaging import AveragedNetwork

STATE = "state.json"


class Progress(BaseModel):
    """Where a run is; epochs count from 1 and `epoch` is the last whole one."""

    # JSON has no number for what is not finite; pydantic would write null and not read it again.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    identity: str
    """A digest of recipe, seed and pictures: others do not continue a run."""
    init: str = ""
    """A digest of the starting weights, empty for torchvision's or none."""
    epoch: int = 0
    records: tuple[EpochRecord, ...] = ()
    images_per_second: tuple[float, ...] = ()
    seconds: float = 0.0
    best_epoch: int = 0
    averaged_steps: int = 0
    is_finished: bool = False

    @property
    def best(self) -> EpochRecord:
        """The epoch with the best validation accuracy, the first of equal ones."""
        return self.records[self.best_epoch - 1]


@dataclass(frozen=True)
class Trained:
    """What changes in a run, besides its progress."""

    network: nn.Module
    averaged: AveragedNetwork | None
    optimizer: optim.Optimizer

    @property
    def validated(self) -> nn.Module:
        """The network that is validated and kept: the average, where there is one."""
        return self.network if self.averaged is None else self.averaged.network


def read_progress(folder: Path) -> Progress | None:
    """Return where the run in `folder` is, None when there is none.

    Raises:
        TrainingError: `run_differs`, when the file is damaged.
    """
    path = folder / STATE
    if not path.exists():
        return None
    try:
        return Progress.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _damaged(path) from error


def save_state(folder: Path, trained: Trained, progress: Progress) -> None:
    """Write everything that the next epoch needs; the best weights too, when they are new."""
    tensors = {f"network.{name}": value for name, value in trained.network.state_dict().items()}
    if trained.averaged is not None:
        average = trained.averaged.network.state_dict()
        tensors.update({f"averaged.{name}": value for name, value in average.items()})
    for number, state in trained.optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{number}.{name}"] = value
    folder.mkdir(parents=True, exist_ok=True)
    _write(_tensors_path(folder, progress), tensors)
    if progress.best_epoch == progress.epoch:
        _write(best_path(folder, progress), trained.validated.state_dict())
    with replaced_file(folder / STATE) as file:
        file.write(progress.model_dump_json(indent=1).encode())
    needed = {STATE, _tensors_path(folder, progress).name, best_path(folder, progress).name}
    for path in folder.iterdir():
        if path.name not in needed:
            path.unlink()


def load_state(folder: Path, trained: Trained, progress: Progress, *, with_optimizer: bool) -> None:
    """Put the tensors of `progress` back into `trained`.

    Raises:
        TrainingError: `run_differs`, when they are damaged or do not fit.
    """
    path = _tensors_path(folder, progress)
    tensors = _read(path)
    try:
        trained.network.load_state_dict(_below(tensors, "network."))
        if trained.averaged is not None:
            trained.averaged.network.load_state_dict(_below(tensors, "averaged."))
            trained.averaged.steps = progress.averaged_steps
    except RuntimeError as error:
        raise _damaged(path) from error
    if not with_optimizer:
        return
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _below(tensors, "optimizer.").items():
        number, _, field = name.partition(".")
        state.setdefault(int(number), {})[field] = value
    groups: Any = trained.optimizer.state_dict()["param_groups"]
    trained.optimizer.load_state_dict({"state": state, "param_groups": groups})


def read_best(folder: Path, progress: Progress) -> dict[str, Tensor]:
    """Return the weights of the best epoch.

    Raises:
        TrainingError: `run_differs`, when they are damaged.
    """
    return _read(best_path(folder, progress))


def _tensors_path(folder: Path, progress: Progress) -> Path:
    return folder / f"epoch-{progress.epoch:05}.safetensors"


def best_path(folder: Path, progress: Progress) -> Path:
    """Return the file with the weights of the best epoch so far."""
    return folder / f"best-{progress.best_epoch:05}.safetensors"


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replaced_file(path) as file:
        file.write(safetensors.torch.save(plain))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with torch.no_grad():
            return dict(safetensors.torch.load(path.read_bytes()))
    except (OSError, safetensors.SafetensorError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> TrainingError:
    return TrainingError(
        "run_differs", f"{path} is missing or damaged: start the run anew in another folder."
    )
