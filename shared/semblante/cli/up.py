"""`semblante up`: everything on this machine, for the browser."""

from __future__ import annotations

from pathlib import Path

import click

from semblante.binding import check_binding
from semblante.cli.options import data_option, make_settings
from semblante.logs import configure_logs
from semblante.stack.stack import embedded_stack


@click.command()
@click.option("--host", help="Address to listen on [SEMBLANTE_HOST].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on [SEMBLANTE_PORT].")
@data_option
def up(host: str | None, port: int | None, data: Path | None) -> None:
    """Start everything on this machine, for the browser.

    Broker, workers and web run until Ctrl-C. Nothing is left running afterwards; unfinished jobs
    go on at the next start.
    """
    settings = make_settings(host=host, port=port, data=data)
    check_binding(settings)
    configure_logs(settings)
    click.echo("Semblante starts; this takes some seconds ...", err=True)
    with embedded_stack(settings, web=True, predict_worker=True) as stack:
        click.echo(f"\n  Semblante is ready: {stack.url}", err=True)
        click.echo(f"  Data and logs lie in {stack.settings.data}", err=True)
        click.echo("  Stop with Ctrl-C; unfinished jobs go on at the next start.\n", err=True)
        stack.wait()
        click.echo("Semblante stops; Ctrl-C again stops at once ...", err=True)
