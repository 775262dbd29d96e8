"""How fast a zip's directory is listed, and with how much memory, beside `zipfile`.

    python benchmarks/archive_index.py [--entries 1000000]

Prints entries per second and the growth of the process's peak memory, each measured in a fresh
process over the same archive.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from semblante.archive import Limits, list_members

LIMITS = Limits(max_entries=10**8, max_unpacked_bytes=2**50, max_image_bytes=2**26)


class FileSource:
    """Ranged reads over an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`."""
        return os.pread(self._descriptor, length, start)


def list_ours(path: Path) -> int:
    """Return the number of images that Semblante lists."""
    with path.open("rb") as file:
        listing = list_members(FileSource(file.fileno()), "zip", path.name, LIMITS)
        return sum(1 for _ in listing)


def list_zipfile(path: Path) -> int:
    """Return the number of members that the standard library lists."""
    with zipfile.ZipFile(path) as archive:
        return sum(1 for _ in archive.infolist())


def write_archive(path: Path, entries: int) -> None:
    """Write a zip of `entries` tiny images in 100 folders."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for index in range(entries):
            archive.writestr(f"photos/{index % 100:03d}/face_{index:08d}.jpg", b"\xff\xd8\xff")


def measure(list_all: Callable[[Path], int], path: Path) -> tuple[int, float, float]:
    """Return entries, seconds and MiB of growth of the peak memory, in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure_here, (list_all, path))


def write_apart(path: Path, entries: int) -> None:
    """Write the archive in a process of its own: its peak memory would be inherited."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(write_archive, (path, entries))


def _measure_here(list_all: Callable[[Path], int], path: Path) -> tuple[int, float, float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    entries = list_all(path)
    seconds = time.perf_counter() - start
    return entries, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    """Write the archive and print one line per reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.zip"
        write_apart(path, arguments.entries)
        for name, list_all in (("semblante", list_ours), ("zipfile", list_zipfile)):
            entries, seconds, growth = measure(list_all, path)
            print(
                f"{name:10} {entries:>9,} entries  {seconds:6.2f} s  "
                f"{entries / seconds:>9,.0f} entries/s  peak memory +{growth:.1f} MiB"
            )


if __name__ == "__main__":
    main()
