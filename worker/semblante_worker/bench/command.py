"""`semblante bench`: how fast each step is here, the whole product, and its alternatives."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from semblante.cli.options import data_option, make_settings, model_option

SIZES = ((48, 48), (100, 100), (640, 480), (1920, 1080))
GENERATED = {(48, 48): 20_000, (100, 100): 20_000, (640, 480): 2_000, (1920, 1080): 300}


@click.command()
@click.argument("archives", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@model_option
@click.option("--device", help="auto, cpu, cuda or cuda:N.")
@click.option("--images", type=click.IntRange(64), help="Images of every generated archive.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="WIDTHxHEIGHT",
    help="Generate images of this size only; may be given several times.",
)
@click.option("--steps-only", is_flag=True, help="Leave out the whole product and the baselines.")
@click.option(
    "--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Write figures there."
)
@data_option
def bench(
    archives: tuple[Path, ...],
    model: str | None,
    device: str | None,
    images: int | None,
    sizes: tuple[str, ...],
    steps_only: bool,
    output: Path | None,
    data: Path | None,
) -> None:
    """Measure each step, the whole product and what one would write instead, in one run.

    ARCHIVES are zips of images; without one, archives of several sizes are generated. Prints a
    table for each and, with --json, writes the same figures. Rates change with whatever else the
    machine does: compare figures of one run only.
    """
    from rich.console import Console

    from semblante.local_models import fetch_local_bundle
    from semblante_worker.bench.run import run_bench
    from semblante_worker.bench.sample import generate_sample, read_sample
    from semblante_worker.bench.table import as_table

    settings = make_settings(data=data, device=device)
    bundle = fetch_local_bundle(settings, model)
    chosen = [_size(text) for text in sizes] or list(SIZES)
    console = Console(width=None if sys.stdout.isatty() else 110)
    documents = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in archives or chosen:
            if isinstance(source, Path):
                sample = read_sample(source)
            else:
                count = images or GENERATED.get(source, 2_000)
                sample = generate_sample(*source, count, folder)
            report = run_bench(sample, bundle, settings, folder, steps_only=steps_only)
            console.print(as_table(report))
            documents.append(report.as_document())
    if output is not None:
        output.write_text(json.dumps(documents, indent=1) + "\n", encoding="utf-8")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise click.BadParameter(f"{text!r} is not like 640x480.", param_hint="--size")
    return int(width), int(height)
