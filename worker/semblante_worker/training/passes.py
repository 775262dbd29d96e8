"""One pass over pictures: to train, or to measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, optim

from semblante_worker.training.loading import Batch
from semblante_worker.training.objective import mix, soft_cross_entropy
from semblante_worker.training.optimizer import set_rates
from semblante_worker.training.pixels import normalise
from semblante_worker.training.precision import choose_precision
from semblante_worker.training.recipe import Phase, Recipe
from semblante_worker.training.run_state import Trained
from semblante_worker.training.schedule import rate_factor
from semblante_worker.training.stages import set_training_mode


@dataclass(frozen=True)
class Setting:
    """What stays the same from step to step; `weights` are those of classes in the loss."""

    recipe: Recipe
    device: torch.device
    weights: Tensor | None = None

    def autocast(self) -> torch.autocast:
        """Return the precision of the network's passes."""
        precision = choose_precision(self.recipe.precision, self.device)
        return torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bfloat16")


@dataclass(frozen=True)
class Steps:
    """The steps of a phase: `done` before this epoch, and `total`."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Measured:
    """What a network says: logits float32 [n, classes], labels int64 [n], the mean loss."""

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    loss: float

    @property
    def accuracy(self) -> float:
        """The share of pictures whose highest logit is that of their label."""
        return float((self.logits.argmax(axis=1) == self.labels).mean())


def train_epoch(
    trained: Trained,
    batches: Iterable[Batch],
    phase: Phase,
    steps: Steps,
    setting: Setting,
    tell: Callable[[int], None] = lambda _done: None,
) -> tuple[float, float, int]:
    """Take one step for each batch; return mean loss, accuracy and number of pictures.

    Both are those of the pictures as they were seen: augmented, mixed, before the step.
    """
    recipe, network = setting.recipe, trained.network
    set_training_mode(network, recipe.architecture, phase.learning_rates)
    # Sums stay on the device: asking for a number after every step would make a GPU wait.
    loss_sum, right = torch.zeros((), device=setting.device), torch.zeros((), device=setting.device)
    seen = 0
    for number, (pixels, _, targets) in enumerate(batches):
        set_rates(trained.optimizer, rate_factor(phase, steps.done + number, steps.total))
        loss, hits = _step(network, trained.optimizer, pixels, targets, phase, setting)
        if trained.averaged is not None:
            trained.averaged.update()
        loss_sum += loss * len(pixels)
        right += hits
        seen += len(pixels)
        tell(seen)
    return float(loss_sum) / seen, float(right) / seen, seen


def _step(
    network: nn.Module,
    optimizer: optim.Optimizer,
    pixels: Tensor,
    targets: Tensor,
    phase: Phase,
    setting: Setting,
) -> tuple[Tensor, Tensor]:
    inputs = normalise(pixels, setting.recipe.preprocess, setting.device)
    targets = targets.to(setting.device, non_blocking=True)
    if phase.mixup > 0:
        inputs, targets = mix(inputs, targets, phase.mixup)
    with setting.autocast():
        logits = network(inputs)
    loss = soft_cross_entropy(logits, targets, phase.label_smoothing, setting.weights)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    hits = (logits.detach().argmax(dim=1) == targets.argmax(dim=1)).sum()
    return loss.detach(), hits


def measure(network: nn.Module, batches: Iterable[Batch], setting: Setting) -> Measured:
    """Return what `network` says of the pictures, in their order, and the plain cross-entropy."""
    network.eval()
    logits, labels = [], []
    with torch.inference_mode(), setting.autocast():
        for pixels, label, _ in batches:
            inputs = normalise(pixels, setting.recipe.preprocess, setting.device)
            logits.append(network(inputs).float().cpu())
            labels.append(label)
    all_logits, all_labels = torch.cat(logits), torch.cat(labels)
    loss = float(nn.functional.cross_entropy(all_logits, all_labels))
    return Measured(all_logits.numpy(), all_labels.numpy(), loss)
