"""`semblante export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from semblante.cli.options import data_option, make_settings

if TYPE_CHECKING:
    from semblante_worker.datasets.entry import Split


@click.command()
@click.argument("bundle")
@click.argument("dataset", type=click.Path(exists=True, readable=True, path_type=Path))
@click.option(
    "--split",
    type=click.Choice(("test", "val", "train")),
    help="Part of DATASET; without it, the first of these that is there.",
)
@click.option(
    "--exclude",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List of file names to leave out, one per line.",
)
@click.option(
    "--skip-other-classes",
    is_flag=True,
    help="Leave out images of classes that BUNDLE lacks, in place of refusing DATASET.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the new bundle; BUNDLE itself unless given.",
)
@click.option(
    "--int8-only",
    is_flag=True,
    help="A bundle for CPUs alone, half as large: only the graph with its weights in int8.",
)
@data_option
def export(
    bundle: str,
    dataset: Path,
    split: Split | None,
    exclude: Path | None,
    skip_other_classes: bool,
    output: Path | None,
    int8_only: bool,
    data: Path | None,
) -> None:
    """Add to a bundle what CPUs run fastest: its network for OpenVINO, in int8.

    BUNDLE is a bundle's folder; with -o also a model's name or name@digest, but a folder with a
    card.json goes before a model of the same name. DATASET is a data set as `evaluate` reads it,
    of pictures that the model was not trained on: 300 of them set the ranges of int8, and all of
    them say what int8 costs. Above half a point of accuracy the network stays in float. The card
    says how both compare; the bundle becomes another one, so import it again.
    """
    if output is None and (int8_only or not Path(bundle).is_dir()):
        raise click.UsageError("Name a folder for the new bundle by -o.")
    from semblante.bundles import read_bundle
    from semblante_worker.evaluation.opening import open_dataset
    from semblante_worker.evaluation.progress import images_progress
    from semblante_worker.evaluation.run import find_model
    from semblante_worker.export.tools import require_tools

    require_tools()
    from semblante_worker.export.run import Export, export_bundle
    from semblante_worker.training.recipe_files import folders_beside

    settings = make_settings(data=data)
    if output is None:
        # What is written to must be what was read: never another model that has the folder's name.
        found = read_bundle(Path(bundle), verify=True)
    else:
        found = find_model(settings, bundle)
    opened = open_dataset(
        dataset,
        found.classes,
        split,
        settings,
        folders=folders_beside(found.folder),
        exclude=exclude,
        skip_other_classes=skip_other_classes,
    )
    with images_progress(2 * len(opened)) as show:
        made = export_bundle(
            Export(found, opened, output or found.folder, settings, int8_only, show)
        )
    if made.card.openvino is not None:
        click.echo(f"OpenVINO: {made.card.openvino.describe()}")
    click.echo(f"{made.reference} is in {made.folder}.")
