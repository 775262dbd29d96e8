"""Locks between processes of one host, which the kernel releases, also after kill -9."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Mode = Literal["shared", "exclusive"]
_OPERATIONS: dict[Mode, int] = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX}


@contextmanager
def file_lock(path: Path, mode: Mode, *, wait: bool = True) -> Iterator[None]:
    """Hold `flock` on `path`, which is made if it is missing and never removed.

    Raises:
        BlockingIOError: Another holds it, and `wait` is False.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, _OPERATIONS[mode] | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)
