"""Tells child processes that their worker is to end, so that they give back what is not done."""

from __future__ import annotations

import mmap


class Stopping(Exception):
    """The worker is to end: stop, and write nothing."""


class StopSign:
    """One byte that parent and children share; made before the fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def give(self) -> None:
        """Say that the worker is to end."""
        self._memory[0] = 1

    def __call__(self) -> bool:
        """Whether that was said."""
        return self._memory[0] == 1
