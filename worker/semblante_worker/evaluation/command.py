"""`semblante evaluate`: measure a model, or a finished CSV, on labelled images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from semblante.cli.exit_codes import OK, SOME_IMAGES_FAILED
from semblante.cli.options import data_option, json_option, make_settings
from semblante.settings import EngineName

if TYPE_CHECKING:
    from semblante.settings import Settings
    from semblante_worker.datasets.entry import Split
    from semblante_worker.evaluation.run import Run

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command()
@click.argument("bundle", metavar="[BUNDLE]", required=False)
@click.argument(
    "dataset",
    metavar="[DATASET]",
    required=False,
    type=click.Path(exists=True, readable=True, path_type=Path),
)
@click.option("--csv", "results", type=_FILE, help="A job's CSV, in place of BUNDLE and DATASET.")
@click.option("--truth", type=_FILE, help="CSV with image_path and emotion, for --csv.")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Report folder."
)
@click.option(
    "--split",
    type=click.Choice(("test", "val", "train")),
    help="Part of DATASET; without it, the first of these that is there.",
)
@click.option(
    "--exclude", type=_FILE, help="List of file names of DATASET to leave out, one per line."
)
@click.option(
    "--skip-other-classes",
    is_flag=True,
    help="Leave out images of classes that the model lacks, in place of refusing the data.",
)
@click.option("--raw", is_flag=True, help="Leave out the card's temperature.")
@click.option("--device", help="auto, cpu, cuda or cuda:N.")
@click.option("--engine", type=click.Choice(get_args(EngineName)), help="What runs BUNDLE.")
@data_option
@json_option
def evaluate(
    bundle: str | None,
    dataset: Path | None,
    results: Path | None,
    truth: Path | None,
    output: Path | None,
    split: Split | None,
    exclude: Path | None,
    skip_other_classes: bool,
    raw: bool,
    device: str | None,
    engine: EngineName | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Measure a model on labelled images.

    BUNDLE is a model's name, name@digest or folder; a folder with a card.json goes before a model
    of the same name. DATASET is a folder, zip or tar with a folder per class, below train, val or
    test or not, or a CSV with path and label. With --csv and --truth, the labels that a job gave
    are measured instead.

    -o writes report.html and metrics.json. Exit status 3 says that some images failed.
    """
    from semblante_worker.evaluation.report import require_drawing

    if output is not None:
        require_drawing()
    settings = make_settings(data=data, device=device, engine=engine)
    if results is not None or truth is not None:
        if results is None or truth is None or bundle is not None:
            raise click.UsageError("--csv and --truth go together, without BUNDLE and DATASET.")
        if split is not None or exclude is not None or raw:
            raise click.UsageError("--split, --exclude and --raw need a BUNDLE and a DATASET.")
        run = _compare(settings, results, truth, skip_other_classes)
    elif bundle is None or dataset is None:
        raise click.UsageError("Name a BUNDLE and a DATASET, or --csv and --truth.")
    else:
        run = _measure(settings, bundle, dataset, split, exclude, skip_other_classes, raw=raw)
    _show(run, output, as_json=as_json)
    failed = sum(count for code, count in run.evaluation.failed.items() if code != "no_face")
    sys.exit(SOME_IMAGES_FAILED if failed else OK)


def _compare(settings: Settings, results: Path, truth: Path, skip_other_classes: bool) -> Run:
    from semblante_worker.evaluation.run import run_on_results

    return run_on_results(settings, results, truth, skip_other_classes=skip_other_classes)


def _measure(
    settings: Settings,
    model: str,
    dataset: Path,
    split: Split | None,
    exclude: Path | None,
    skip_other_classes: bool,
    *,
    raw: bool,
) -> Run:
    from semblante_worker.evaluation.opening import open_dataset
    from semblante_worker.evaluation.progress import images_progress
    from semblante_worker.evaluation.run import find_model, run_on_dataset
    from semblante_worker.training.recipe_files import folders_beside

    bundle = find_model(settings, model)
    opened = open_dataset(
        dataset,
        bundle.classes,
        split,
        settings,
        folders=folders_beside(bundle.folder),
        exclude=exclude,
        skip_other_classes=skip_other_classes,
    )
    with images_progress(len(opened)) as show:
        return run_on_dataset(settings, bundle, opened, show, raw=raw)


def _show(run: Run, output: Path | None, *, as_json: bool) -> None:
    import json

    from rich.console import Console

    from semblante_worker.evaluation.document import as_document
    from semblante_worker.evaluation.report import write_report
    from semblante_worker.evaluation.terminal import print_evaluation

    if output is not None:
        page = write_report(
            run.evaluation, output, mistakes=run.mistakes, curves=None, subject=run.subject
        )
        click.echo(f"Report: {page}", err=True)
    if as_json:
        document = as_document(run.evaluation, run.subject, None)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    width = None if sys.stdout.isatty() else 120
    print_evaluation(Console(width=width), run.evaluation, run.subject)
