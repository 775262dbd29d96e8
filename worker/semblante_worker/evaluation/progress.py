"""Progress of an evaluation on stderr: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from semblante.cli.progress import LINE_SECONDS
from semblante_worker.evaluation.measured import Progress as Show


@contextmanager
def images_progress(images: int) -> Iterator[Show]:
    """Give a function that shows how many of `images` are done and how many failed."""
    start = time.monotonic()
    if not sys.stderr.isatty():
        yield _line_printer(images, start)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[more]}"))
    bar = Progress(
        TextColumn("Evaluating"), *columns, TimeRemainingColumn(), console=Console(stderr=True)
    )
    with bar:
        task = bar.add_task("", total=images, more="")

        def show(done: int, failed: int) -> None:
            bar.update(task, completed=done, more=_more(done, failed, start))

        yield show


def _line_printer(images: int, start: float) -> Show:
    last = start

    def show(done: int, failed: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done < images and now - last < LINE_SECONDS:
            return
        last = now
        click.echo(
            f"Evaluating: {done:,}/{images:,} images, {_more(done, failed, start)}", err=True
        )

    return show


def _more(done: int, failed: int, start: float) -> str:
    speed = f"{done / max(time.monotonic() - start, 1e-6):,.1f}/s"
    return f"{speed}, {failed:,} failed" if failed else speed
