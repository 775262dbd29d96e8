"""`semblante migrate`: the database's schema."""

from __future__ import annotations

import click
from sqlalchemy import make_url

from semblante.cli.options import data_option, make_settings
from semblante.database import Database
from semblante.migrations import upgrade


@click.command()
@data_option
def migrate(data: object) -> None:
    """Bring the database to the newest schema."""
    url = make_settings(data=data).database
    Database(url).dispose()  # makes the folder of an embedded database
    upgrade(url)
    click.echo(f"The schema of {make_url(url).render_as_string()} is the newest.")
