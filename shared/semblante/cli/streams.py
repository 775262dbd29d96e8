"""Standard streams that whoever started the command has closed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}
"""In the order of their numbers: what is opened gets the lowest number that is free."""


def open_closed_streams() -> None:
    """Open them on the null device, before any other file.

    Python has None instead of a closed stream, on which everything that prints would fail; and a
    database that gets the number of stdout is written to by what some library prints there.
    """
    for name, mode in MODES.items():
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (it stays open)
            setattr(sys, name, stream)


def data_stdout() -> BinaryIO:
    """Return stdout for results, which must not vanish.

    Raises:
        OSError: When it was closed.
    """
    if sys.stdout.name == os.devnull:  # one that a shell sent there is called <stdout>
        raise OSError("stdout is closed; name a file with -o.")
    return sys.stdout.buffer
