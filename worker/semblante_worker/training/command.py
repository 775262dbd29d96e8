"""`semblante train`."""

from __future__ import annotations

from pathlib import Path

import click

from semblante.cli.options import make_settings


@click.command()
@click.argument("dataset", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--recipe",
    required=True,
    metavar="NAME|FILE",
    help="A recipe that comes with Semblante (see docs/training.md), or a .toml or .json file.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run; the bundle is written there.",
)
@click.option(
    "--init",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Starting weights, .pth or .safetensors, complete or partial.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE", help="Replace a field of the recipe."
)
@click.option(
    "--exclude",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List of file names to leave out, one per line.",
)
@click.option("--resume", is_flag=True, help="Go on after the run's last whole epoch.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option(
    "--export/--no-export",
    default=True,
    show_default=True,
    help="Add the network for OpenVINO at the end; without it, `semblante export` does so later.",
)
@click.option("--name", help="The bundle's name; the recipe's unless given.")
def train(
    dataset: Path,
    recipe: str,
    output: Path,
    init: Path | None,
    changes: tuple[str, ...],
    exclude: Path | None,
    resume: bool,
    device: str,
    seed: int,
    export: bool,
    name: str | None,
) -> None:
    """Train a model.

    DATASET is a folder or zip of train/<class>/ (and val/ or test/ if there are any), or of a
    manifest.csv with its pictures.
    """
    from semblante_worker.training.recipe_files import load_recipe

    changes = (*changes, f'name="{name}"') if name else changes
    chosen = load_recipe(recipe, changes)
    from semblante_worker.training.reporter import TerminalReporter
    from semblante_worker.training.run import Request, run_training

    request = Request(
        dataset=dataset,
        recipe=chosen,
        folder=output,
        name=chosen.name,
        init=init,
        exclude=exclude,
        resume=resume,
        device=device,
        seed=seed,
        export=export,
        settings=make_settings(),
    )
    bundle = run_training(request, TerminalReporter())
    metrics = bundle.card.metrics["validation"]
    if bundle.card.openvino is not None:
        click.echo(f"OpenVINO: {bundle.card.openvino.describe()}")
    click.echo(
        f"{bundle.reference}: accuracy {metrics.accuracy:.2%} of {metrics.n:,} validation images, "
        f"in {output}\nUse it by `semblante models import {output}`."
    )
