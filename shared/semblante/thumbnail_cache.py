"""Thumbnails that were made once, kept on this host for all web processes, a folder per job.

A cache only: it may be deleted at any time, and it forgets jobs that are deleted or expire.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

from semblante.file_lock import file_lock
from semblante.settings import Settings

SUFFIX = ".webp"
LOOK_SECONDS = 3600.0
"""So often, at least, jobs that are no more are looked for, if anything is kept meanwhile."""
LOOKS_PER_FILL = 8
"""How often the bytes are counted while as many are written as may be kept."""


class ThumbnailCache:
    """The thumbnails in `folder`, of at most `most_bytes`; the least recently used make room."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._written = 0
        self._looked = -LOOK_SECONDS

    def find(self, job_id: str, index: int) -> bytes | None:
        """Return the thumbnail of an image of the job; None when it is not kept."""
        path = self._path(job_id, index)
        try:
            data = path.read_bytes()
            os.utime(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return data

    def keep(
        self, job_id: str, index: int, data: bytes, known: Callable[[Collection[str]], set[str]]
    ) -> None:
        """Keep a thumbnail; `known` says which of some jobs are still there."""
        if not self._most_bytes:
            return
        path = self._path(job_id, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
        self._written += len(data)
        is_time = time.monotonic() - self._looked > LOOK_SECONDS
        if is_time or self._written * LOOKS_PER_FILL > self._most_bytes:
            self._written, self._looked = 0, time.monotonic()
            self._make_room(known)

    def forget(self, job_id: str) -> None:
        """Delete what is kept of a job."""
        shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def _make_room(self, known: Callable[[Collection[str]], set[str]]) -> None:
        try:
            with file_lock(self._folder / ".lock", "exclusive", wait=False):
                self._forget_unknown(known)
                self._delete_oldest()
        except BlockingIOError:
            return  # another process does it

    def _forget_unknown(self, known: Callable[[Collection[str]], set[str]]) -> None:
        kept = {path.name for path in self._folder.iterdir() if path.is_dir()}
        for job_id in kept - known(kept):
            self.forget(job_id)

    def _delete_oldest(self) -> None:
        """Delete down to a part that leaves room until the next look."""
        entries = []
        for path in self._folder.glob("*/*"):
            try:
                status = path.stat()
            except FileNotFoundError:  # its job was deleted just now
                continue
            entries.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in entries)
        room = self._most_bytes // LOOKS_PER_FILL
        for _, size, path in sorted(entries):
            if total + room <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _path(self, job_id: str, index: int) -> Path:
        return self._folder / job_id / f"{index}{SUFFIX}"


def open_thumbnails(settings: Settings) -> ThumbnailCache:
    """Return the cache that `settings` describe; it makes its folder when it is used."""
    return ThumbnailCache(settings.cache / "thumbnails", settings.thumbnail_cache_bytes)
