"""A disk that is full, and one that fails now and then."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from faults.shape import ANYTHING, Needs
from faults.site import Site

FULL_SECONDS = 1.5
FAILING_SECONDS = 2.0
BLOCK = b"0" * 65536


@dataclass(frozen=True)
class DiskFull:
    """Nothing can be written for a while; then somebody makes room."""

    name: str = "disk full"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Fill the site's small disk; without one, let its processes write nothing."""
        data = site.settings.data
        with full(data / "ballast") if data.is_mount() else limited(site):
            time.sleep(FULL_SECONDS)


@contextmanager
def full(ballast: Path) -> Iterator[None]:
    """Take all the room that there is."""
    try:
        with ballast.open("wb", buffering=0) as file:
            for block in (BLOCK, b"0"):  # the last bytes, too
                with suppress(OSError):
                    while file.write(block):
                        pass
        yield
    finally:
        ballast.unlink()


@contextmanager
def limited(site: Site) -> Iterator[None]:
    """Give every process of the site a limit of no byte for the files it writes."""
    parents = [psutil.Process(site.pid(name)) for name in (*site.workers, "web")]
    pids = [one.pid for parent in parents for one in (parent, *parent.children(recursive=True))]
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    try:
        for pid, (_soft, hard) in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        yield
    finally:
        for pid, limit in limits.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


@dataclass(frozen=True)
class ReadsFail:
    """About every second read of an archive fails, for a while; see `program.py`."""

    name: str = "reads fail"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Say so by a file."""
        sign = site.settings.data / "faults" / "reads"
        sign.touch()
        time.sleep(FAILING_SECONDS)
        sign.unlink()
