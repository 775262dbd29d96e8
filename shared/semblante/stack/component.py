"""What the supervisor needs to know about one program of the stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Component:
    """A program of the stack; `command` begins with an absolute path."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    """Whether the program serves; called every 50 ms until it says so. Must return soon."""
    prepare: Callable[[], None] = nothing
    """Called before every start of the program; may raise a SemblanteError."""
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    """The whole environment; None means the supervisor's own."""
    ready_seconds: float = 60.0
    grace_seconds: float = 10.0
    """Time between SIGTERM and SIGKILL."""
    is_held: bool = False
    """Started before its stage, to import its modules meanwhile; a line on its input lets it go."""
    niceness: int = 0
    """By how much it gives way to other programs that want the same cores: 0 to 19."""
