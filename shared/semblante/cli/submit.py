"""`semblante submit` and `semblante watch`: images to a running server, and the job followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import click

from semblante.cli.download import write_results
from semblante.cli.exit_codes import exit_code_of
from semblante.cli.options import (
    detect_option,
    language_option,
    paths_argument,
    server_options,
    webhook_option,
)
from semblante.cli.progress import bytes_progress, job_progress
from semblante.cli.remote import connect
from semblante.cli.summary import print_summary
from semblante.client import Client
from semblante.detection import Detect
from semblante.emotions import Language
from semblante.errors import SemblanteError
from semblante.job_view import JobView
from semblante.packing import is_sent_as_it_is
from semblante.upload_note import UploadNote


@click.command()
@paths_argument
@click.option("--wait", is_flag=True, help="Follow the job until it has ended.")
@click.option("-o", "--output", help="Wait, and write the CSV here; `-` is stdout.")
@click.option("--model", help="Model to use; the server's default otherwise.")
@detect_option
@language_option
@webhook_option
@server_options
@click.pass_context
def submit(
    ctx: click.Context,
    paths: tuple[Path, ...],
    wait: bool,
    output: str | None,
    model: str | None,
    detect: str | None,
    language: str,
    webhook: str | None,
    server: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Send images to a running server.

    PATH is an archive (zip, tar, tar.gz), a folder, or images; several folders and images become
    one job. A connection that breaks is taken up again where it broke; a file whose sending was
    interrupted, by the same command.
    """
    if output == "-" and as_json:
        raise click.UsageError("--json and `-o -` both write to stdout; choose one.")
    spoken = cast("Language", language)
    with connect(server, api_key) as client:
        with _hint_to_go_on(client, paths), bytes_progress("Sending") as show:
            view = client.submit(
                list(paths),
                model=model,
                detect=cast("Detect | None", detect),
                lang=spoken,
                webhook=webhook,
                on_progress=show,
            )
        click.echo(f"Job {view.id} at {client.server}/jobs/{view.id}", err=True)
        if not wait and output is None:
            click.echo(view.model_dump_json(indent=2) if as_json else view.id)
            return
        view = _follow(client, view.id, as_json=as_json, data_on_stdout=output == "-")
        if output is not None and view.state == "completed":
            write_results(client, view.id, output, "csv", spoken)
    ctx.exit(exit_code_of(view))


@click.command()
@click.argument("job_id", metavar="ID")
@server_options
@click.pass_context
def watch(
    ctx: click.Context, job_id: str, server: str | None, api_key: str | None, as_json: bool
) -> None:
    """Follow a job until it has ended.

    The exit status is that of the job. Ctrl-C ends the watching, not the job.
    """
    with connect(server, api_key) as client:
        view = _follow(client, job_id, as_json=as_json, data_on_stdout=False)
    ctx.exit(exit_code_of(view))


@contextmanager
def _hint_to_go_on(client: Client, paths: Sequence[Path]) -> Iterator[None]:
    """Say so when the upload that broke off can be gone on with."""
    try:
        yield
    except (KeyboardInterrupt, SemblanteError):
        if is_sent_as_it_is(list(paths)) and UploadNote(client.server, paths[0]).read() is not None:
            text = "\nRun the same command again: the upload goes on where it stopped."
            click.echo(text, err=True)
        raise


def _follow(client: Client, job_id: str, *, as_json: bool, data_on_stdout: bool) -> JobView:
    try:
        with job_progress() as show:
            view = client.wait(job_id, on_progress=show)
    except KeyboardInterrupt:
        click.echo(f"\nThe job goes on; see it again by `semblante watch {job_id}`.", err=True)
        raise
    if as_json:
        click.echo(view.model_dump_json(indent=2))
    print_summary(view, {}, err=as_json or data_on_stdout or view.state != "completed")
    if view.counts.failed:
        hint = f"semblante download {job_id} --format errors"
        click.echo(f"Which images failed, and why: {hint}", err=True)
    return view
