"""The epochs of a run: each trains, validates, is told, and leaves a state to resume from."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import nn

from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.training.averaging import AveragedNetwork
from semblante_worker.training.divergence import check_training_loss, check_validation
from semblante_worker.training.gathering import Gathered
from semblante_worker.training.loading import Loader, Pictures, in_order
from semblante_worker.training.optimizer import build_optimizer
from semblante_worker.training.passes import Measured, Setting, Steps, measure, train_epoch
from semblante_worker.training.recipe import Phase, Recipe
from semblante_worker.training.reporter import Reporter
from semblante_worker.training.run_state import (
    Progress,
    Trained,
    best_path,
    load_state,
    save_state,
)
from semblante_worker.training.sampling import class_weights, plan_epoch
from semblante_worker.training.seeds import derive_seed
from semblante_worker.training.stages import freeze_all_but
from semblante_worker.training.tensorboard import log_epoch

VALIDATION_BATCH = 64


class Course:
    """The way of a network through the phases of a recipe."""

    def __init__(
        self,
        recipe: Recipe,
        gathered: Gathered,
        network: nn.Module,
        device: torch.device,
        seed: int,
        folder: Path,
        reporter: Reporter,
    ) -> None:
        self._recipe, self._gathered, self._seed = recipe, gathered, seed
        self._folder, self._reporter = folder, reporter
        self._network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._averaged = AveragedNetwork(self._network, recipe.ema) if recipe.ema else None
        dataset, spec = gathered.dataset, recipe.preprocess
        training = Pictures(dataset.store, gathered.train, spec, recipe.augmentation)
        validation = Pictures(dataset.store, gathered.validation, spec, None)
        self._training = Loader(training, dataset.origin, recipe, device)
        self._validation = Loader(validation, dataset.origin, recipe, device)
        self._setting = Setting(recipe, device, self._loss_weights(device))

    def follow(self, progress: Progress) -> Progress:
        """Train from where `progress` is to the end; return the progress then.

        Raises:
            TrainingError: `invalid_recipe`, when an epoch diverges: the state before it is kept;
                `run_differs`, when what is to be resumed is damaged.
            ImageError: A picture can no longer be read.
        """
        before = 0
        for number, phase in enumerate(self._recipe.phases, start=1):
            if progress.is_finished:
                break
            end = before + phase.epochs
            if progress.epoch < end:
                if len(self._recipe.phases) > 1:
                    self._reporter.say(f"Phase {number}: {phase.epochs} epochs")
                progress = self._follow_phase(phase, before, progress)
            before = end
        return progress

    def validate_exactly(self, network: nn.Module) -> Measured:
        """Return what `network` says of the validation pictures, in float32.

        Raises:
            ImageError: A picture can no longer be read.
        """
        exact = self._recipe.model_copy(update={"precision": "float32"})
        return self._measure(network, Setting(exact, self._setting.device))

    def _follow_phase(self, phase: Phase, before: int, progress: Progress) -> Progress:
        """Train the epochs of one phase, which begins after the epoch `before`."""
        architecture = self._recipe.architecture
        freeze_all_but(self._network, architecture, phase.learning_rates)
        optimizer = build_optimizer(self._network, architecture, phase)
        trained = Trained(self._network, self._averaged, optimizer)
        if progress.epoch:
            is_within = progress.epoch > before
            load_state(self._folder, trained, progress, with_optimizer=is_within)
        while progress.epoch < before + phase.epochs and not progress.is_finished:
            progress = self._follow_epoch(trained, phase, before, progress)
            save_state(self._folder, trained, progress)
        return progress

    def _follow_epoch(
        self, trained: Trained, phase: Phase, before: int, progress: Progress
    ) -> Progress:
        recipe, epoch = self._recipe, progress.epoch + 1
        plan = plan_epoch(self._gathered.train, recipe, phase, self._seed, epoch)
        steps = Steps((epoch - before - 1) * len(plan), phase.epochs * len(plan))
        torch.manual_seed(derive_seed(self._seed, epoch, "steps"))
        started = time.monotonic()
        title = f"Epoch {epoch}/{recipe.epochs}"
        with self._reporter.bar(title, sum(len(batch) for batch in plan)) as tell:
            batches = self._training.batches(plan)
            loss, accuracy, seen = train_epoch(trained, batches, phase, steps, self._setting, tell)
        speed = seen / (time.monotonic() - started)
        kept = best_path(self._folder, progress) if progress.records else None
        check_training_loss(epoch, loss, kept)
        measured = self._measure(trained.validated, self._setting)
        check_validation(epoch, measured, kept)
        record = EpochRecord(epoch, loss, accuracy, measured.loss, measured.accuracy)
        following = _advance(
            progress, record, speed, time.monotonic() - started, trained.averaged, recipe
        )
        log_epoch(self._folder.parent / "tensorboard", record)
        mark = "  best so far" if following.best_epoch == epoch else ""
        self._reporter.say(
            f"{title}: loss {loss:.4f}, accuracy {accuracy:.2%}; validation loss "
            f"{record.validation_loss:.4f}, accuracy {record.validation_accuracy:.2%}; "
            f"{speed:,.1f} images/s{mark}"
        )
        if following.is_finished and epoch < recipe.epochs:
            self._reporter.say(f"Stopped: no better validation for {recipe.patience} epochs")
        return following

    def _measure(self, network: nn.Module, setting: Setting) -> Measured:
        plan = in_order(len(self._gathered.validation), VALIDATION_BATCH)
        return measure(network, self._validation.batches(plan), setting)

    def _loss_weights(self, device: torch.device) -> torch.Tensor | None:
        if self._recipe.class_balance != "loss":
            return None
        weights = class_weights(self._gathered.train.labels, self._recipe)
        return torch.tensor(weights, dtype=torch.float32, device=device)


def _advance(
    progress: Progress,
    record: EpochRecord,
    speed: float,
    seconds: float,
    averaged: AveragedNetwork | None,
    recipe: Recipe,
) -> Progress:
    """Return the progress after one more epoch."""
    is_best = not progress.records or record.validation_accuracy > progress.best.validation_accuracy
    best_epoch = record.epoch if is_best else progress.best_epoch
    is_stopped = bool(recipe.patience) and record.epoch - best_epoch >= recipe.patience
    return progress.model_copy(
        update={
            "epoch": record.epoch,
            "records": (*progress.records, record),
            "images_per_second": (*progress.images_per_second, round(speed, 1)),
            "seconds": progress.seconds + seconds,
            "best_epoch": best_epoch,
            "averaged_steps": averaged.steps if averaged else 0,
            "is_finished": is_stopped or record.epoch == recipe.epochs,
        }
    )
