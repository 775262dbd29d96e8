"""`semblante download`: a job's results as a file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from semblante.cli.options import server_options
from semblante.cli.output import STDOUT
from semblante.cli.remote import connect
from semblante.cli.streams import data_stdout
from semblante.client import Client
from semblante.client_results import RESULT_FILES, ResultFormat
from semblante.emotions import LANGUAGES, Language
from semblante.profile_names import PROFILES, Profile


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("-o", "--output", help="File to write; `-` is stdout. [default: results.csv, ...]")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(RESULT_FILES)),
    default="csv",
    show_default=True,
    help="`errors` is a CSV of the failed images only.",
)
@click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    help="Language of the emotions in CSV and Parquet; what the job asked for otherwise.",
)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="semblante",
    show_default=True,
    help="Columns as this tool has them.",
)
@server_options
def download(
    job_id: str,
    output: str | None,
    form: str,
    language: str | None,
    profile: str,
    server: str | None,
    api_key: str | None,
    as_json: bool,  # noqa: ARG001 (every client command takes it; results are data anyway)
) -> None:
    """Download a job's results."""
    kind = cast("ResultFormat", form)
    target = output or RESULT_FILES[kind]
    with connect(server, api_key) as client:
        chosen = cast("Language | None", language), cast("Profile", profile)
        write_results(client, job_id, target, kind, *chosen)


def write_results(
    client: Client,
    job_id: str,
    output: str,
    form: ResultFormat,
    language: Language | None,
    profile: Profile | None = None,
) -> None:
    """Write the results to a file, whole or not at all, or to stdout for `-`."""
    if output == STDOUT:
        stdout = data_stdout()
        client.download(job_id, stdout, format=form, lang=language, profile=profile)
        stdout.flush()
    else:
        client.download(job_id, Path(output), format=form, lang=language, profile=profile)
        click.echo(f"Results: {output}", err=True)
