"""`semblante operator`: what the whole stack does, and what a person can do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from semblante import audit, pausing, workers
from semblante.cli.keys import ACTOR
from semblante.cli.options import data_option, json_option, make_settings
from semblante.local_models import local_database
from semblante.overview import Overview, overview

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

name_argument = click.argument("name", metavar="NAME@HOST")


@click.group()
def operator() -> None:
    """Look at the whole stack; pause all jobs, drain a worker, and let them go on.

    The stack is the one whose database the settings name.
    """


@operator.command()
@data_option
@json_option
def status(data: Path | None, as_json: bool) -> None:
    """Show workers with what they hold, jobs by state, and failures by code."""
    with local_database(make_settings(data=data)) as database, database.reading() as session:
        found = overview(session)
    shown = _in_short(found)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
    else:
        _print(shown)


@operator.command()
@data_option
def pause(data: Path | None) -> None:
    """Let no worker begin another chunk of any job; what they hold is finished."""
    with _changing(data, "pause_all", "") as session:
        pausing.pause_all(session)
    click.echo("Labelling is paused; `semblante operator resume` lets it go on.")


@operator.command()
@data_option
def resume(data: Path | None) -> None:
    """Let workers take chunks again, within the time between two sweeps."""
    with _changing(data, "resume_all", "") as session:
        pausing.end_pause(session)
    click.echo("Labelling goes on.")


@operator.command()
@name_argument
@data_option
def drain(name: str, data: Path | None) -> None:
    """Let a worker finish its chunk and take no more, until it is undrained or started anew."""
    with _changing(data, "drain", name) as session:
        workers.set_draining(session, name, True)
    click.echo(f"{name} finishes what it holds and takes no more.")


@operator.command()
@name_argument
@data_option
def undrain(name: str, data: Path | None) -> None:
    """Let a drained worker take work again."""
    with _changing(data, "undrain", name) as session:
        workers.set_draining(session, name, False)
    click.echo(f"{name} takes work again.")


@contextmanager
def _changing(data: Path | None, action: str, subject: str) -> Iterator[Session]:
    with local_database(make_settings(data=data)) as database, database.writing() as session:
        yield session
        audit.record(session, ACTOR, "", action, subject)


def _in_short(found: Overview) -> dict[str, Any]:
    return {
        "all_paused": found.all_paused,
        "jobs": dict(found.jobs),
        "chunks": dict(found.chunks),
        "oldest_queued_seconds": round(found.oldest_seconds, 1),
        "workers": [
            {
                "name": row.name,
                "queues": row.queues,
                "device": row.device,
                "processes": len(row.holders),
                "state": "lost" if workers.is_lost(row) else "draining" if row.draining else "on",
                "seen": row.seen_at.isoformat(timespec="seconds"),
                "chunks": [{"job": held.job_id, "first": held.first} for held in chunks],
            }
            for row, chunks in found.workers
        ],
        "image_failures": dict(found.image_failures),
        "job_failures": dict(found.job_failures),
    }


def _print(shown: dict[str, Any]) -> None:
    if shown["all_paused"]:
        click.echo("Labelling of all jobs is paused.")
    for title in ("jobs", "chunks", "image_failures", "job_failures"):
        counted = ", ".join(f"{count:,} {name}" for name, count in shown[title].items())
        click.echo(f"{title.replace('_', ' ').capitalize()}: {counted or 'none'}")
    table = Table("worker", "state", "device", "processes", "queues", "holds", "last seen")
    for row in shown["workers"]:
        table.add_row(
            row["name"],
            row["state"],
            row["device"],
            str(row["processes"]),
            ", ".join(row["queues"]),
            f"{len(row['chunks'])} chunks",
            row["seen"],
        )
    Console().print(table)
