"""`semblante watch-folder`: what appears in a folder becomes jobs of a running server."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

import click
from watchfiles import watch

from semblante.cli.options import (
    detect_option,
    language_option,
    server_options,
    webhook_option,
)
from semblante.cli.remote import connect
from semblante.client import Client
from semblante.detection import Detect
from semblante.emotions import Language
from semblante.errors import Refused, SemblanteError
from semblante.job_view import JobView
from semblante.watched_folder import MEMORY_NAME, FoundFile, Memory, WatchedFolder

LOOK_SECONDS = 1.0
RETRY_SECONDS = 10.0
METADATA = "watch_folder"
SOUGHT_JOBS = 1000
"""So many of the newest jobs are looked through for one that was begun and not noted."""
PASSING = frozenset({"queue_full", "quota_exceeded", "too_many_requests"})
"""Refusals that end by themselves."""

Submit = Callable[[Sequence[Path], str], JobView]


@click.command("watch-folder")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--once", is_flag=True, help="Submit what is there, and end.")
@click.option(
    "--move",
    type=click.Path(file_okay=False),
    help="Move what was submitted to this folder; without it, files stay.",
)
@click.option(
    "--settle",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="Seconds without a change after which a file is taken as completely written.",
)
@click.option(
    "--memory",
    type=click.Path(dir_okay=False),
    help=f"Where it is noted what was submitted.  [default: {MEMORY_NAME} in DIR]",
)
@click.option("--model", help="Model to use; the server's default otherwise.")
@detect_option
@language_option
@webhook_option
@server_options
def watch_folder(
    folder: str,
    once: bool,
    move: str | None,
    settle: float,
    memory: str | None,
    model: str | None,
    detect: str | None,
    language: str,
    webhook: str | None,
    server: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Submit what appears in a folder, as it appears.

    Every archive (zip, tar, tar.gz) becomes a job; images that come together become one. The id of
    each job is printed. What was submitted is remembered, so that the command can be stopped and
    started at any time; a file that changes is submitted again. Hidden files are left out: a
    program that writes for long, with pauses, may hide its file until it is ready.
    """
    root = Path(folder).absolute()
    target = Path(move).absolute() if move is not None else None
    known = Memory(Path(memory) if memory is not None else root / MEMORY_NAME)
    watched = WatchedFolder(root, known, settle, _inside(root, target))
    with connect(server, api_key) as client:

        def submit(paths: Sequence[Path], mark: str) -> JobView:
            return client.submit(
                list(paths),
                model=model,
                detect=cast("Detect | None", detect),
                lang=cast("Language", language),
                metadata={METADATA: mark},
                webhook=webhook,
            )

        for _ in _looks(root, once=once):
            try:
                _clear_up(client, known)
                for view, files in _new_jobs(watched, known, submit, once=once):
                    _tell(view, files, as_json=as_json)
                    _move(files, root, target)
                if target is not None:  # what a run that was ended, or a full disk, left
                    _move(watched.submitted(), root, target)
            except (SemblanteError, OSError) as error:
                if once:
                    raise
                click.echo(f"{error} Trying again in {RETRY_SECONDS:g} s.", err=True)
                time.sleep(RETRY_SECONDS)
            if once and watched.is_settled:
                return


def _inside(root: Path, target: Path | None) -> Path | None:
    """Return `target` as a folder below `root`, however it was named; None when it is elsewhere.

    Raises:
        UsageError: When it is `root` itself, where what was moved would be found anew for ever.
    """
    if target is None or not target.resolve().is_relative_to(root.resolve()):
        return None
    if target.resolve() == root.resolve():
        raise click.UsageError("--move names the folder that is watched; name another one.")
    return root / target.resolve().relative_to(root.resolve())


def _looks(root: Path, *, once: bool) -> Iterator[None]:
    """Yield whenever it is time to look: something changed, or may have settled."""
    if once:
        while True:
            yield
            time.sleep(LOOK_SECONDS / 5)
    milliseconds = int(LOOK_SECONDS * 1000)
    for _changes in watch(root, rust_timeout=milliseconds, yield_on_timeout=True):
        yield


def _clear_up(client: Client, known: Memory) -> None:
    """Find the jobs whose answer never came, because this command or the server ended."""
    if not (unclear := known.unclear()):
        return
    newest = islice(client.jobs(), SOUGHT_JOBS)
    found = {view.metadata.get(METADATA): view.id for view in newest}
    for begun in unclear:
        if begun.mark in found:
            known.finish(begun, found[begun.mark])
        else:
            known.forget(begun)


def _new_jobs(
    watched: WatchedFolder, known: Memory, submit: Submit, *, once: bool
) -> Iterator[tuple[JobView, Sequence[FoundFile]]]:
    """Submit what is ready and yield the jobs; files that the server never takes are named.

    Raises:
        Refused: The first such refusal, after all others were submitted, when `once`; or one that
            ends by itself.
    """
    refusal: Refused | None = None
    for files in watched.ready():
        begun = known.begin(files)
        try:
            view = submit([file.path for file in files], begun.mark)
        except Refused as error:
            known.forget(begun)
            if error.code in PASSING:
                raise
            refusal = refusal or error
            watched.refuse(files)
            click.echo(f"{_names(files)}: {error}", err=True)
        else:
            known.finish(begun, view.id)
            yield view, files
    if once and refusal is not None:
        raise refusal


def _tell(view: JobView, files: Sequence[FoundFile], *, as_json: bool) -> None:
    names = [str(file.path) for file in files]
    click.echo(json.dumps({"job": view.id, "files": names}) if as_json else view.id)
    click.echo(f"{view.id}: {_names(files)}", err=True)


def _names(files: Sequence[FoundFile]) -> str:
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return f"{files[0].path}{more}"


def _move(files: Sequence[FoundFile], root: Path, target: Path | None) -> None:
    """Move submitted files, with their folders; one that is there already keeps its name."""
    if target is None:
        return
    for file in files:
        place = target / file.path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        number = 1
        while place.exists():
            number += 1
            place = place.with_name(f"{file.path.stem} ({number}){file.path.suffix}")
        shutil.move(file.path, place)
