"""The commands about jobs of a server: list, status, cancel, pause, resume, retry, delete."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from typing import cast

import click

from semblante.cli.options import server_options
from semblante.cli.progress import numbers_of, words_of
from semblante.cli.remote import connect
from semblante.cli.summary import print_summary
from semblante.client import Client
from semblante.job_view import JobView
from semblante.lifecycle import STATES, State

id_argument = click.argument("job_id", metavar="ID")


@click.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most.")
@server_options
def list_(
    state: str | None, limit: int, server: str | None, api_key: str | None, as_json: bool
) -> None:
    """List the server's jobs, newest first."""
    with connect(server, api_key) as client:
        found = list(islice(client.jobs(cast("State | None", state)), limit))
    if as_json:
        click.echo(json.dumps([view.model_dump(mode="json") for view in found], indent=2))
        return
    if not found:
        click.echo("There is no job yet; `semblante submit photos.zip` makes one.", err=True)
    for view in found:
        created = view.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        state_word = "paused" if view.paused else view.state
        click.echo(
            f"{view.id}  {created}  {state_word:<11}  {view.progress:>4.0%}  "
            f"{view.counts.total:>10,} images  {view.counts.failed:>6,} failed  {view.filename}"
        )


@click.command()
@id_argument
@server_options
def status(job_id: str, server: str | None, api_key: str | None, as_json: bool) -> None:
    """Show one job."""
    _act(Client.job, job_id, server, api_key, as_json)


@click.command()
@id_argument
@server_options
def cancel(job_id: str, server: str | None, api_key: str | None, as_json: bool) -> None:
    """Stop a job for good."""
    _act(Client.cancel, job_id, server, api_key, as_json)


@click.command()
@id_argument
@server_options
def pause(job_id: str, server: str | None, api_key: str | None, as_json: bool) -> None:
    """Let a job rest."""
    _act(Client.pause, job_id, server, api_key, as_json)


@click.command()
@id_argument
@server_options
def resume(job_id: str, server: str | None, api_key: str | None, as_json: bool) -> None:
    """Go on with a paused job."""
    _act(Client.resume, job_id, server, api_key, as_json)


@click.command()
@id_argument
@server_options
def retry(job_id: str, server: str | None, api_key: str | None, as_json: bool) -> None:
    """Label the failed images of a job again."""
    _act(Client.retry, job_id, server, api_key, as_json)


@click.command()
@id_argument
@server_options
def delete(job_id: str, server: str | None, api_key: str | None, as_json: bool) -> None:
    """Remove a job, its results and its upload."""
    with connect(server, api_key) as client:
        client.delete(job_id)
    click.echo(json.dumps({"deleted": job_id}) if as_json else f"Job {job_id} is deleted.")


def _act(
    action: Callable[[Client, str], JobView],
    job_id: str,
    server: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Do one thing to a job and show it as it is then."""
    with connect(server, api_key) as client:
        view = action(client, job_id)
    if as_json:
        click.echo(view.model_dump_json(indent=2))
    elif view.is_open:
        click.echo(f"{view.filename}: {words_of(view)}, {numbers_of(view)}")
    else:
        print_summary(view, {})
