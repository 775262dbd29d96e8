"""`semblante label`: the main job on this machine, from images to a CSV, in one command."""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

import click

from semblante.bundles import Model
from semblante.cli.exit_codes import exit_code_of
from semblante.cli.lazy_group import ENTRY_POINTS
from semblante.cli.local_job import (
    LabelInput,
    csv_of,
    describe_input,
    failures_of,
    forget,
    services_of,
    start_job,
    unfinished_job,
    view_of,
)
from semblante.cli.options import (
    data_option,
    detect_option,
    json_option,
    language_option,
    make_settings,
    model_option,
    paths_argument,
)
from semblante.cli.progress import bytes_progress, job_progress
from semblante.cli.summary import print_summary
from semblante.emotions import Language
from semblante.errors import Unavailable
from semblante.job_view import JobView
from semblante.local_models import find_local_model
from semblante.logs import configure_logs
from semblante.replace import replaced_file
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import Stack, embedded_stack

POLL_SECONDS = 0.2
STDOUT = "-"


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
    with embedded_stack(settings, web=False, predict_worker=False) as stack:
        view = _run(stack, given, chosen, spoken, output, keep=keep, as_json=as_json)
    ctx.exit(exit_code_of(view))


def refuse_bad_output(output: str, paths: tuple[Path, ...]) -> None:
    """Raise UsageError now for a result that could not be written in the end."""
    if output == STDOUT:
        return
    path = Path(output)
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder; name a file with -o.")
    if not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise click.UsageError(f"{path} cannot be written: its folder is missing or read-only.")
    if path.exists() and any(path.samefile(one) for one in paths):
        raise click.UsageError(f"-o {path} would overwrite the images.")


def require_worker() -> None:
    """Raise Unavailable when the distribution that labels is not installed."""
    if not entry_points(group=ENTRY_POINTS, name="worker"):
        raise Unavailable(
            "component_missing",
            "This machine cannot label: install semblante-worker, or use `semblante submit`.",
        )


def _warnings_only(settings: Settings) -> Settings:
    return settings.model_copy(update={"log_level": "WARNING"})


def _run(
    stack: Stack,
    given: LabelInput,
    model: Model,
    language: Language,
    output: str,
    *,
    keep: bool,
    as_json: bool,
) -> JobView:
    job_id = None
    try:
        with services_of(stack.settings) as services:
            job_id = _submit(services, given, model, language)
            view = _follow(stack, services, job_id)
            failures = failures_of(services, job_id)
            if view.state == "completed":
                _write(services, job_id, language, output)
                if not keep:
                    forget(services, job_id)
    except KeyboardInterrupt:
        kept = "Run the same command again to continue." if job_id else "Nothing was submitted yet."
        click.echo(f"\nStopping; Ctrl-C again stops at once. {kept}", err=True)
        raise
    if as_json:
        click.echo(view.model_dump_json(indent=2))
    print_summary(view, failures, err=as_json or output == STDOUT or view.state != "completed")
    if view.state == "completed" and output != STDOUT:
        click.echo(f"Results: {output}", err=as_json)
    return view


def _submit(services: Services, given: LabelInput, model: Model, language: Language) -> str:
    job_id = unfinished_job(services, given, model)
    if job_id is not None:
        click.echo(f"Continuing job {job_id}, which was interrupted.", err=True)
        return job_id
    if given.path is not None:
        return start_job(services, given, model, language, lambda _stored: None)
    with bytes_progress("Packing the images") as show:
        return start_job(services, given, model, language, lambda stored: show(stored, given.size))


def _follow(stack: Stack, services: Services, job_id: str) -> JobView:
    with job_progress() as show:
        while True:
            view = view_of(services, job_id)
            show(view)
            if not view.is_open:
                return view
            stack.supervisor.check()
            time.sleep(POLL_SECONDS)


def _write(services: Services, job_id: str, language: Language, output: str) -> None:
    blocks = csv_of(services, job_id, language)
    if output == STDOUT:
        for block in blocks:
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return
    with replaced_file(Path(output)) as file:
        for block in blocks:
            file.write(block)
