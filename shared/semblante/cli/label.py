"""`semblante label`: the main job on this machine, from images to a CSV, in one command."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

import click

from semblante.cli.exit_codes import exit_code_of
from semblante.cli.label_input import describe_input
from semblante.cli.lazy_group import ENTRY_POINTS
from semblante.cli.options import (
    data_option,
    detect_option,
    json_option,
    language_option,
    make_settings,
    model_option,
    paths_argument,
)
from semblante.cli.output import STDOUT, refuse_bad_output
from semblante.emotions import Language
from semblante.errors import Unavailable
from semblante.local_models import find_local_model
from semblante.logs import configure_logs
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack


@click.command()
@paths_argument
@click.option(
    "-o",
    "--output",
    default="results.csv",
    show_default=True,
    help="Where the CSV goes; `-` is stdout.",
)
@model_option
@detect_option
@language_option
@data_option
@click.option(
    "--keep/--no-keep",
    default=True,
    show_default=True,
    help="Keep the job (and the packed copy of a folder), to look at it by `semblante up`.",
)
@json_option
@click.pass_context
def label(
    ctx: click.Context,
    paths: tuple[Path, ...],
    output: str,
    model: str | None,
    detect: str | None,
    language: str,
    data: Path | None,
    keep: bool,
    as_json: bool,
) -> None:
    """Label images on this machine and write a CSV.

    PATH is an archive (zip, tar, tar.gz), a folder, or images; several folders and images become
    one job. An archive is read where it lies. Ctrl-C stops cleanly; the same command continues.
    """
    if output == STDOUT and as_json:
        raise click.UsageError("--json and `-o -` both write to stdout; choose one.")
    refuse_bad_output(output, paths)
    settings = make_settings(detect=detect, data=data)
    require_worker()
    chosen = find_local_model(settings, model)  # an unknown one is refused before anything starts
    given = describe_input(paths)
    if given.packing is not None and given.packing.left_out:
        click.echo(f"{given.packing.left_out:,} files that are no images are left out.", err=True)
    quiet = settings if "log_level" in settings.model_fields_set else _warnings_only(settings)
    configure_logs(quiet)
    click.echo("Starting the broker and a worker ...", err=True)
    spoken = cast("Language", language)
    with embedded_stack(settings, web=False, predict_worker=False, awaits_worker=False) as stack:
        from semblante.cli.label_job import run_job  # half a second, while the worker starts

        view = run_job(stack, given, chosen, spoken, output, keep=keep, as_json=as_json)
    ctx.exit(exit_code_of(view))


def require_worker() -> None:
    """Raise Unavailable when the distribution that labels is not installed."""
    if not entry_points(group=ENTRY_POINTS, name="worker"):
        raise Unavailable(
            "component_missing",
            "This machine cannot label: install semblante-worker, or use `semblante submit`.",
        )


def _warnings_only(settings: Settings) -> Settings:
    return settings.model_copy(update={"log_level": "WARNING"})
