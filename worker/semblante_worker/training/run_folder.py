"""What stands in the folder of a run before its bundle does, and whether a run may begin there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from semblante.errors import Conflict, TrainingError
from semblante.replace import replaced_file
from semblante.storage_keys import PARTIAL
from semblante_worker.training.recipe_files import RECIPE
from semblante_worker.training.run_state import Progress, read_progress

CHECKPOINT = "checkpoint"
OVERVIEW = "overview.json"
BEGUN = {CHECKPOINT, OVERVIEW, RECIPE, "tensorboard"}
"""What is in the folder before the first epoch has ended; the overview is written first."""
LOGS = {"", ".log", ".txt", ".out", ".err"}
"""How files end that people let a shell write there while a run prints."""


def read_before(folder: Path, *, is_resumed: bool) -> Progress | None:
    """Return where the run in `folder` is; None where it has ended no epoch.

    Raises:
        TrainingError: `run_differs`, when its state is damaged.
        Conflict: `run_exists`.
    """
    before = read_progress(folder / CHECKPOINT)
    if before is not None and not is_resumed:
        raise Conflict("run_exists", f"{folder} holds a run: add --resume, or name another folder.")
    if before is None and not _is_free(folder):
        raise Conflict(
            "run_exists",
            f"{folder} is not empty, and holds no run to go on with: name another folder.",
        )
    return before


def _is_free(folder: Path) -> bool:
    """Whether nothing is there but logs, and what a run killed in its first epoch leaves."""
    if not folder.is_dir():
        return True
    names = {path.name for path in folder.iterdir() if not _is_beside(path)}
    return not names or (OVERVIEW in names and names <= BEGUN)


def _is_beside(path: Path) -> bool:
    return path.name.startswith(PARTIAL) or (path.is_file() and path.suffix.lower() in LOGS)


def write_json(path: Path, content: Any) -> None:
    """Write a file whole or not at all."""
    with replaced_file(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n")


def read_overview(folder: Path) -> dict[str, Any]:
    """Return what was looked at before the run in `folder` began.

    Raises:
        TrainingError: `run_differs`, when it is missing or damaged.
    """
    path = folder / OVERVIEW
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TrainingError("run_differs", f"{path} is missing or damaged.") from error
    return content
