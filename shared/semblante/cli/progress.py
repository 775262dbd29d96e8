"""Progress on stderr: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from semblante.duration import duration
from semblante.job_view import JobView
from semblante.lifecycle import State

LINE_SECONDS = 10.0
WORDS: dict[State, str] = {
    "validating": "Reading the archive",
    "in_progress": "Labelling",
    "finalizing": "Writing the results",
    "completed": "Completed",
    "failed": "Failed",
    "cancelling": "Stopping",
    "cancelled": "Cancelled",
    "expired": "Expired",
}


@contextmanager
def job_progress() -> Iterator[Callable[[JobView], None]]:
    """Give a function that shows a job; call it as often as you like."""
    if not sys.stderr.isatty():
        yield _line_printer()
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[numbers]}"),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("Starting", total=None, numbers="")

        def show(view: JobView) -> None:
            bar.update(
                task,
                description=words_of(view),
                total=view.counts.total or None,
                completed=view.counts.finished,
                numbers=numbers_of(view) if view.counts.total else "",
            )

        yield show


@contextmanager
def bytes_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows (bytes done, bytes in all) of `what`."""
    if not sys.stderr.isatty():
        click.echo(f"{what} ...", err=True)
        yield lambda _done, _total: None
        return
    columns = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), *columns, console=Console(stderr=True)
    )
    with bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def words_of(view: JobView) -> str:
    """Say what the job does."""
    return "Paused" if view.paused else WORDS[view.state]


def numbers_of(view: JobView) -> str:
    """Say how far the job is: images, speed, time left, failures."""
    parts = [f"{view.counts.finished:,}/{view.counts.total:,} images"]
    if view.images_per_second is not None and view.state == "in_progress":
        parts.append(f"{view.images_per_second:,.1f}/s")
    if view.eta_seconds is not None:
        parts.append(f"{duration(view.eta_seconds)} left")
    if view.counts.failed:
        parts.append(f"{view.counts.failed:,} failed")
    return ", ".join(parts)


def _line_printer() -> Callable[[JobView], None]:
    last_words, last_time = "", 0.0

    def show(view: JobView) -> None:
        nonlocal last_words, last_time
        now = time.monotonic()
        if words_of(view) == last_words and now - last_time < LINE_SECONDS:
            return
        last_words, last_time = words_of(view), now
        numbers = f": {numbers_of(view)}" if view.counts.total else ""
        click.echo(f"{last_words}{numbers}", err=True)

    return show
