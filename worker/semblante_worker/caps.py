"""What decoding one image may take: a decoder's thread cannot be killed, but it can be given up.

Memory: the kernel refuses the process more private memory than it had plus the cap (RLIMIT_DATA;
RLIMIT_AS would count a GPU's address space, too). The decoder that asks for too much sees a
MemoryError or ends the process; both are traced to its image. Time: whoever waits for a decoder
stops waiting and names the image, and the process must end, because the thread goes on.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from semblante.errors import ImageError
from semblante.message import Message
from semblante.settings import Settings

_SLICES = 20
_STATUS = Path("/proc/self/status")
_lock = threading.Lock()
_limits: dict[object, int] = {}
"""The caps that hold now."""
_before: list[int] = []
"""The soft and the hard limit from before them."""

Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Caps:
    """Most seconds, and most bytes of memory beside what the process holds, for one image."""

    seconds: float = math.inf
    memory_bytes: int | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Caps:
        """Return the caps that `settings` sets."""
        return cls(settings.decode_seconds, settings.decode_memory_bytes)


class StuckDecode(ImageError):
    """Decoding the image `index` takes too long; its thread goes on until the process ends."""

    def __init__(self, index: int) -> None:
        super().__init__("worker_crash", Message("Decoding the image takes too much time."))
        self.index = index


def result_within(future: Future[Outcome], seconds: float, index: int) -> Outcome:
    """Return the result of decoding the image `index`, which has begun.

    The time is waited for in slices, so that a process that was stopped for a while (a laptop's
    lid, a virtual machine's move) loses one slice only.

    Raises:
        StuckDecode: there is none after `seconds`.
    """
    if math.isinf(seconds):
        return future.result()
    for _ in range(_SLICES):
        try:
            return future.result(seconds / _SLICES)
        except TimeoutError:
            continue
    raise StuckDecode(index)


@contextmanager
def memory_cap(more_bytes: int | None) -> Iterator[None]:
    """Let this process take at most `more_bytes` beside what it has; Linux only, else no cap.

    The limit is the process's: of several caps at a time the widest holds, and the last to go gives
    the first limit back, in whatever order they end.
    """
    if more_bytes is None or sys.platform != "linux":
        yield
        return
    import resource  # not on every system

    own = object()
    with _lock:
        if not _limits:
            _before[:] = resource.getrlimit(resource.RLIMIT_DATA)
        _limits[own] = _private_bytes() + more_bytes
        _set_limit(max(_limits.values()))
    try:
        yield
    finally:
        with _lock:
            del _limits[own]
            _set_limit(max(_limits.values()) if _limits else _before[0])


def _set_limit(limit: int) -> None:
    import resource

    hard = _before[1]
    if hard != resource.RLIM_INFINITY and limit != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _private_bytes() -> int:
    """Return what the kernel counts against RLIMIT_DATA."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} does not say how much memory this process has")
