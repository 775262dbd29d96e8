"""Memory that comes and goes in large pieces is given back to the system at once."""

from __future__ import annotations

import ctypes

M_MMAP_THRESHOLD = -3
"""From glibc's malloc.h."""
LARGE_BYTES = 128 * 1024


def give_large_blocks_back() -> None:
    """Keep glibc from holding freed parts of uploads, once for every thread.

    It raises its threshold with each large block that is freed, and keeps what lies below. Other C
    libraries have no such setting; nothing happens there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
