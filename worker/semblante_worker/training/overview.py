"""What a run looks at before it starts: device, classes and their counts, layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from semblante_worker.training.gathering import Gathered
from semblante_worker.training.precision import choose_precision
from semblante_worker.training.recipe import Recipe
from semblante_worker.training.stages import freeze_all_but, named_layers, stage_modules
from semblante_worker.training.starting_weights import Taken

RANDOM = "random"
"""What the starting weights are where none were taken."""


def describe_device(device: torch.device) -> str:
    """Return the device in words."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)}), PyTorch {torch.__version__}"
    return f"CPU, {torch.get_num_threads()} threads, PyTorch {torch.__version__}"


def look(
    recipe: Recipe,
    gathered: Gathered,
    network: nn.Module,
    device: torch.device,
    taken: Taken | None,
    seed: int,
) -> dict[str, Any]:
    """Return the overview as JSON has it; each phase with its layers' trained and frozen numbers.

    The network is left as the first phase wants it.
    """
    phases = []
    for phase in reversed(recipe.phases):
        freeze_all_but(network, recipe.architecture, phase.learning_rates)
        phases.append(
            {
                "epochs": phase.epochs,
                "stages": [
                    {"stage": stage, **_numbers(modules)}
                    for stage, modules in stage_modules(network, recipe.architecture).items()
                ],
                "layers": [
                    {"layer": name, "trained": trained, "frozen": frozen}
                    for name, trained, frozen in named_layers(network)
                ],
            }
        )
    random = _random_for_good(recipe, network, taken)
    return {
        "recipe": recipe.name,
        "seed": seed,
        "device": describe_device(device),
        "precision": choose_precision(recipe.precision, device),
        "dataset": gathered.dataset.origin.name,
        "images": gathered.counts(recipe),
        "unreadable": [f"{picture.path} [{picture.code}]" for picture in gathered.unreadable],
        "architecture": recipe.architecture,
        "starting_weights": taken.describe() if taken else RANDOM,
        "frozen_at_random": random,
        "phases": phases[::-1],
    }


def render(overview: dict[str, Any]) -> str:
    """Return the overview as lines for a terminal: stages here, single layers in the JSON."""
    images = overview["images"]
    lines = [
        f"Recipe: {overview['recipe']}, seed {overview['seed']}",
        f"Device: {overview['device']}; computes in {overview['precision']}",
        f"Data set: {overview['dataset']}",
        f"  {'class':<16}{'training':>10}{'validation':>12}",
    ]
    lines += [
        f"  {name:<16}{count:>10,}{images['validation'][name]:>12,}"
        for name, count in images["train"].items()
    ]
    totals = (sum(images[part].values()) for part in ("train", "validation"))
    lines.append("  {:<16}{:>10,}{:>12,}".format("all", *totals))
    for part, found in images.get("unused", {}).items():
        each = ", ".join(f"{name} {count:,}" for name, count in found.items())
        lines.append(f"  not used: {sum(found.values()):,} of {part} ({each})")
    is_random = overview["starting_weights"] == RANDOM
    lines.append("Starting weights: random" if is_random else overview["starting_weights"])
    if overview["frozen_at_random"]:
        stages = ", ".join(overview["frozen_at_random"])
        lines.append(
            f"  WARNING: {stages} holds layers that start at random and stay frozen. Take complete "
            "weights, or train it, too: --set learning_rates.STAGE=1e-4"
        )
    for number, phase in enumerate(overview["phases"], start=1):
        lines.append(
            f"Network in phase {number}, {phase['epochs']} epochs: {overview['architecture']}"
        )
        lines.append(f"  {'stage':<16}{'trained':>12}{'frozen':>12}")
        lines += [
            f"  {row['stage']:<16}{row['trained']:>12,}{row['frozen']:>12,}"
            for row in phase["stages"]
        ]
        sums = [sum(row[kind] for row in phase["stages"]) for kind in ("trained", "frozen")]
        lines.append("  {:<16}{:>12,}{:>12,}".format("all", *sums))
    return "\n".join(lines)


def _random_for_good(recipe: Recipe, network: nn.Module, taken: Taken | None) -> list[str]:
    """Return the stages with weights that start at random and that no phase trains."""
    trained = {stage for phase in recipe.phases for stage in phase.learning_rates}
    known = set(taken.taken) if taken else set()
    found: list[str] = []
    for stage, modules in stage_modules(network, recipe.architecture).items():
        own = {parameter for module in modules for parameter in module.parameters()}
        names = {name for name, parameter in network.named_parameters() if parameter in own}
        if stage not in trained and not names <= known:
            found.append(stage)
    return found


def _numbers(modules: list[nn.Module]) -> dict[str, int]:
    own = [parameter for module in modules for parameter in module.parameters()]
    trained = sum(parameter.numel() for parameter in own if parameter.requires_grad)
    return {"trained": trained, "frozen": sum(p.numel() for p in own) - trained}
