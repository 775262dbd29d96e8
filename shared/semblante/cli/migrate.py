"""`semblante migrate`: the database's schema."""

from __future__ import annotations

import click
from sqlalchemy import make_url

from semblante.cli.options import data_option, make_settings
from semblante.database import Database
from semblante.migrations import upgrade
from semblante.storage import open_storage


@click.command()
@data_option
def migrate(data: object) -> None:
    """Bring the database to the newest schema, and make the storage's folder or bucket.

    Every start of a production stack may run it first: twice is no error.
    """
    settings = make_settings(data=data)
    url = settings.database
    Database(url).dispose()  # makes the folder of an embedded database
    upgrade(url)
    open_storage(settings).prepare()
    click.echo(f"The schema of {make_url(url).render_as_string()} is the newest.")
