"""How a worker tells the stack that it takes messages: by a file."""

from __future__ import annotations

from pathlib import Path


def ready_file(data: Path, worker: str) -> Path:
    """Return the file that the worker called `worker` touches when it takes messages."""
    return data / "run" / f"{worker}.ready"
