"""`semblante keys`: who may use the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click
from rich.console import Console
from rich.table import Table

from semblante import audit
from semblante import keys as api_keys
from semblante.cli.options import data_option, json_option, make_settings
from semblante.keys import SCOPES
from semblante.local_models import local_database
from semblante.tables import ApiKey, Scope

ACTOR = "command line"


@click.group()
def keys() -> None:
    """Create, list and revoke API keys.

    They are those of the server whose database the settings name.
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="submit",
    show_default=True,
    help="Look at jobs; also send and change them; also see all owners' and choose models.",
)
@click.option("--owner", help="Whose jobs the key sees; NAME without it.")
@data_option
def create(name: str, scope: str, owner: str | None, data: Path | None) -> None:
    """Make a key and print its token, which is shown this once.

    From the first key on, every request needs one.
    """
    settings = make_settings(data=data)
    with local_database(settings, create=True) as database, database.writing() as session:
        key, token = api_keys.create(session, name, cast("Scope", scope), owner)
        audit.record(session, ACTOR, "", "key_create", key.name)
    click.echo(f"Key {key.name} ({key.scope}), of {key.owner}; keep its token safe:", err=True)
    click.echo(token)


@keys.command("list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """List all keys, also revoked ones."""
    with local_database(make_settings(data=data)) as database, database.reading() as session:
        found = api_keys.list_all(session)
    if as_json:
        click.echo(json.dumps([_in_short(key) for key in found], indent=2))
        return
    table = Table("name", "owner", "scope", "created", "last use", "revoked")
    for key in found:
        table.add_row(*(value or "" for value in _in_short(key).values()))
    Console().print(table)


@keys.command()
@click.argument("name")
@data_option
def revoke(name: str, data: Path | None) -> None:
    """Make a key useless, at once and for good; its jobs stay."""
    with local_database(make_settings(data=data)) as database, database.writing() as session:
        key = api_keys.revoke(session, name)
        audit.record(session, ACTOR, "", "key_revoke", key.name)
    click.echo(f"{key.name} is revoked.")


def _in_short(key: ApiKey) -> dict[str, str | None]:
    times = {
        "created": key.created_at,
        "last_used": key.last_used_at,
        "revoked": key.revoked_at,
    }
    shown = {name: at.isoformat(timespec="seconds") if at else None for name, at in times.items()}
    return {"name": key.name, "owner": key.owner, "scope": key.scope, **shown}
