"""One stack per data folder: a lock that the kernel releases, also after kill -9."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semblante.errors import Conflict


@contextmanager
def hold_folder(data: Path) -> Iterator[None]:
    """Hold `data` for this process; the folder is made (mode 0700) when it is missing.

    The lock is `flock` on `data/lock`, whose content is the pid of the last holder.

    Raises:
        Conflict: `already_running`, when another stack holds the folder.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, data)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # The file stays: unlinking it would let two processes hold two files of one name.
        os.close(descriptor)


def _lock(descriptor: int, data: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise Conflict(
            "already_running",
            f"Another Semblante (process {holder}) uses the data folder {data}. "
            "Send the work to it with `semblante submit`, or name another folder with --data.",
        ) from None
