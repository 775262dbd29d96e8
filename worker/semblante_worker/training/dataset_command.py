"""`semblante dataset`: look at a data set, or make a smaller copy of it."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def dataset() -> None:
    """Look at a data set, or make a smaller copy of it."""


@dataset.command()
@click.argument("path", metavar="DATASET", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The report: one HTML file with the pictures in it.",
)
@click.option("--seed", default=1, show_default=True, help="Chooses the pictures.")
def show(path: Path, output: Path, seed: int) -> None:
    """Count the classes, and show 5x5 pictures of each in an HTML page."""
    from semblante_worker.datasets.dataset import read_dataset
    from semblante_worker.training.gallery import write_gallery

    found = read_dataset(path)
    for split, counts in found.counts().items():
        click.echo(f"{split}: {sum(counts.values()):,} images")
        for label, count in counts.items():
            click.echo(f"  {label:<16}{count:>8,}")
    for folder in found.empty_folders:
        click.echo(f"The folder {folder} is empty.")
    for picture in write_gallery(found, output, seed):
        click.echo(f"Cannot be read: {picture.path}: {picture.reason} [{picture.code}]")
    click.echo(f"Written: {output}")


@dataset.command()
@click.argument("path", metavar="DATASET", type=click.Path(exists=True, path_type=Path))
@click.option("--per-class", required=True, type=click.IntRange(1), help="Images of each class.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder or .zip of the copy; it must not exist yet.",
)
@click.option("--seed", default=1, show_default=True, help="Chooses the pictures.")
def subset(path: Path, per_class: int, output: Path, seed: int) -> None:
    """Copy at most so many images of each class, of every part of the data set."""
    from semblante_worker.datasets.dataset import read_dataset
    from semblante_worker.training.subset import copy_subset

    counts = copy_subset(read_dataset(path), output, per_class, seed)
    for split, number in counts.items():
        click.echo(f"{split}: {number:,} images")
    click.echo(f"Written: {output}")
