"""The job of `semblante label`, from the submission to the summary."""

from __future__ import annotations

import time
from pathlib import Path

import click

from semblante.bundles import Model
from semblante.cli.label_input import LabelInput
from semblante.cli.local_job import (
    csv_of,
    failures_of,
    forget,
    interrupted_job,
    note_written,
    services_of,
    start_job,
    view_of,
)
from semblante.cli.output import STDOUT
from semblante.cli.progress import bytes_progress, job_progress
from semblante.cli.streams import data_stdout
from semblante.cli.summary import print_summary
from semblante.emotions import Language
from semblante.errors import SemblanteError
from semblante.job_view import JobView
from semblante.replace import replaced_file
from semblante.services import Services
from semblante.stack.stack import Stack

POLL_SECONDS = 0.2


def run_job(
    stack: Stack,
    given: LabelInput,
    model: Model,
    language: Language,
    output: str,
    *,
    keep: bool,
    as_json: bool,
) -> JobView:
    """Submit the input, unless a job over it was interrupted, follow it and write its results.

    Raises:
        KeyboardInterrupt: The job stays, and goes on at the next call.
        OSError: The results cannot be written; the next call only writes them.
        Unavailable: `component_failed`, when the stack failed.
    """
    job_id = None
    try:
        with services_of(stack.settings) as services:
            job_id = _submit(services, given, model, language)
            view = _follow(stack, services, job_id)
            failures = failures_of(services, job_id)
            if view.state == "completed":
                _deliver(services, job_id, language, output)
                if keep:
                    note_written(services, job_id)
                else:
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
    job_id = interrupted_job(services, given, model)
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


def _deliver(services: Services, job_id: str, language: Language, output: str) -> None:
    try:
        _write(services, job_id, language, output)
    except BrokenPipeError:  # who reads our output has seen enough
        raise
    except (OSError, SemblanteError):
        text = (
            "All images are labelled: the same command, or one with another -o, writes the results."
        )
        click.echo(text, err=True)
        raise


def _write(services: Services, job_id: str, language: Language, output: str) -> None:
    blocks = csv_of(services, job_id, language)
    if output == STDOUT:
        stdout = data_stdout()
        for block in blocks:
            stdout.write(block)
        stdout.flush()
        return
    with replaced_file(Path(output)) as file:
        for block in blocks:
            file.write(block)
