"""Where the broker's unix socket lies: a socket's path has to be short."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from semblante.errors import Unavailable

SOCKET_PATH_BYTES = 104
"""The path with its closing zero must fit `sun_path`: 104 bytes on macOS, 108 on Linux."""


def choose_socket_path(folder: Path) -> Path:
    """Return the socket's path in `folder`, or in a private folder when that is too long.

    The private folder has mode 0700, belongs to this user and is named by a hash of `folder`, so
    the same data folder always has the same socket.

    Raises:
        Unavailable: `component_failed`, when no short and private place exists.
    """
    path = folder.absolute() / "valkey.sock"
    if _fits(path):
        return path
    name = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    for base in _short_folders():
        path = base / f"semblante-{os.getuid()}-{name}" / "valkey.sock"
        if _fits(path) and base.is_dir() and os.access(base, os.W_OK | os.X_OK):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _check_private(path.parent)
            return path
    raise Unavailable(
        "component_failed",
        f"The path {folder} is too long for a unix socket; name a shorter folder with --data.",
    )


def _short_folders() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folders = [Path(runtime)] if runtime else []
    return [*folders, Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) < SOCKET_PATH_BYTES


def _check_private(folder: Path) -> None:
    """In a folder that all users share, somebody else may have made ours first."""
    status = folder.lstat()
    private = (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.getuid()
        and stat.S_IMODE(status.st_mode) & 0o077 == 0
    )
    if not private:
        raise Unavailable(
            "component_failed",
            f"{folder} is not a folder of this user alone (mode 0700); remove it and start again.",
        )
