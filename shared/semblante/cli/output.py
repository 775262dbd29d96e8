"""Where a command writes results: a file, or stdout."""

from __future__ import annotations

import os
from pathlib import Path

import click

from semblante.cli.streams import data_stdout

STDOUT = "-"
"""What stands for it instead of a file's name."""


def refuse_bad_output(output: str, paths: tuple[Path, ...]) -> None:
    """Raise UsageError or OSError now for a result that could not be written in the end."""
    if output == STDOUT:
        data_stdout()
        return
    path = Path(output)
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder; name a file with -o.")
    if not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise click.UsageError(f"{path} cannot be written: its folder is missing or read-only.")
    if path.exists() and any(path.samefile(one) for one in paths):
        raise click.UsageError(f"-o {path} would overwrite the images.")
