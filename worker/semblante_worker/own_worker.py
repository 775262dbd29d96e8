"""The worker that a process belongs to: its name, and whether it is to end."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass

from semblante.steps import never


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


@dataclass(frozen=True)
class OwnWorker:
    """What a child process knows of its worker."""

    name: str
    """`name@host`; a person may drain the worker of this name."""
    stops: Callable[[], bool]
    """Whether the worker is to end, so that chunks at work go back."""


OWN_WORKER = OwnWorker("", never)
"""Of a process that belongs to no worker, as in tests: nobody drains or stops it."""
