"""`semblante webhooks`: what the jobs of a server told their webhooks, and what signs it."""

from __future__ import annotations

import json
from typing import Any

import click

from semblante.cli.options import server_options
from semblante.cli.remote import connect


@click.group()
def webhooks() -> None:
    """See what jobs told their webhooks, and what signs it.

    `semblante submit --webhook URL` has a job tell when it has ended; see docs/webhooks.md.
    """


@webhooks.command()
@click.option("--replace", is_flag=True, help="Make another one; the old one ends at once.")
@server_options
def secret(replace: bool, server: str | None, api_key: str | None, as_json: bool) -> None:
    """Print the secret that signs the webhooks of your jobs."""
    with connect(server, api_key) as client:
        found = client.webhook_secret(replace=replace)
    click.echo(json.dumps({"secret": found}) if as_json else found)


@webhooks.command()
@click.argument("job_id", metavar="ID")
@server_options
def events(job_id: str, server: str | None, api_key: str | None, as_json: bool) -> None:
    """List what was told about a job, with every attempt."""
    with connect(server, api_key) as client:
        found = client.webhook_events(job_id)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for event in found:
        click.echo(f"{event['id']}  {event['type']}  {event['state']}  {event['url']}")
        for attempt in event["attempts"]:
            click.echo(_line_of(attempt))


@webhooks.command()
@click.argument("job_id", metavar="ID")
@click.argument("event_id", metavar="EVENT")
@server_options
def resend(
    job_id: str, event_id: str, server: str | None, api_key: str | None, as_json: bool
) -> None:
    """Have an event delivered once more, now."""
    with connect(server, api_key) as client:
        event = client.resend_webhook_event(job_id, event_id)
    click.echo(json.dumps(event, indent=2) if as_json else f"{event['id']} is {event['state']}.")


def _line_of(attempt: dict[str, Any]) -> str:
    answer = attempt["status"] if attempt["status"] is not None else attempt["error"]
    return f"    {attempt['at']}  {answer}  {attempt['seconds']:.1f} s"
