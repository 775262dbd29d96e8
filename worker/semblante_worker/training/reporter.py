"""How a run tells what it does: lines, and a bar where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


class Reporter(Protocol):
    """Where a run writes to."""

    def say(self, text: str) -> None:
        """Write lines that stay."""

    def bar(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Give a function that takes how many of `total` are done."""


class TerminalReporter:
    """Lines on stdout; bars on stderr, if that is a terminal."""

    def say(self, text: str) -> None:
        """Write lines that stay."""
        click.echo(text)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Give a function that takes how many of `total` are done."""
        if not sys.stderr.isatty():
            yield lambda _done: None
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[speed]}"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(what, total=total, speed="")

            def show(done: int) -> None:
                seconds = progress.tasks[0].elapsed or 0.0
                speed = f"{done / seconds:,.0f} images/s" if seconds > 0 else ""
                progress.update(task, completed=done, speed=speed)

            yield show
