"""`semblante backup` and `restore`: the embedded stack's data in one file."""

from __future__ import annotations

from pathlib import Path

import click

from semblante.backup import read_backup, write_backup
from semblante.cli.options import data_option, make_settings
from semblante.migrations import upgrade
from semblante.settings import MIB


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@data_option
def backup(file: Path, data: Path | None) -> None:
    """Copy jobs, results, uploads and models of the embedded stack to FILE, a tar.

    The stack may run meanwhile. Messages are not copied: they are sent again.
    """
    size = write_backup(make_settings(data=data), file)
    click.echo(f"{file}: {size / MIB:,.1f} MiB")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def restore(file: Path, data: Path | None) -> None:
    """Fill an empty data folder from a backup, also one of an older version.

    Unfinished jobs go on at the next start.
    """
    settings = make_settings(data=data)
    read_backup(settings, file)
    upgrade(settings.database)
    click.echo(f"{settings.data} is restored; start it by `semblante up`.")
