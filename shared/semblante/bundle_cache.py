"""Copies of stored models on this host, one folder for each digest, for all its processes.

A copy is made aside and takes its place by a rename. Whoever uses one holds a shared lock, whoever
makes or deletes one the exclusive lock; so a copy in use is never half there, and never vanishes.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semblante.bundle_store import stored_files
from semblante.bundles import Bundle, read_bundle, shipped_bundles
from semblante.errors import BundleError
from semblante.file_lock import file_lock
from semblante.settings import Settings
from semblante.storage import Storage

PARTIAL = ".partial"
LOCK = ".lock"

_log = logging.getLogger(__name__)


class BundleCache:
    """The copies in `folder`, of at most `most_bytes`; the least recently used make room."""

    def __init__(self, storage: Storage, folder: Path, most_bytes: int) -> None:
        self._storage = storage
        self._folder = folder
        self._most_bytes = most_bytes

    @contextmanager
    def hold(self, digest: str) -> Iterator[Bundle]:
        """Give the bundle with this digest; its files are verified and stay during the block.

        One that comes with Semblante is used where it lies, and verified when it is loaded.

        Raises:
            Unavailable: `model_unavailable`, when the storage lacks it or has it damaged.
            OSError: The folder cannot be written.
        """
        for bundle in shipped_bundles():
            if bundle.digest == digest:
                yield bundle
                return
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            with file_lock(self._lock(digest), "shared"):
                if (copy := self._whole(digest)) is not None:
                    os.utime(self._lock(digest))
                    yield copy
                    return
            with file_lock(self._lock(digest), "exclusive"):
                if self._whole(digest) is None:  # used under this lock: no other makes room by it
                    copy = self._fetch(digest)
                    self._make_room(digest)
                    yield copy
                    return

    def _whole(self, digest: str) -> Bundle | None:
        """Return the copy if there is one and every file is what its digest says."""
        folder = self._folder / digest
        if not folder.exists():
            return None
        try:
            bundle = read_bundle(folder, verify=True)
        except BundleError as error:
            _log.warning("damaged copy of a model: %s", error.message)
            return None
        return bundle if bundle.digest == digest else None

    def _fetch(self, digest: str) -> Bundle:
        """Copy the bundle from the storage; the exclusive lock is held."""
        self._delete(digest)
        partial = self._folder / (digest + PARTIAL)
        partial.mkdir()
        for name, blocks in stored_files(self._storage, digest):
            with (partial / name).open("xb") as file:
                file.writelines(blocks)
        partial.rename(self._folder / digest)
        os.utime(self._lock(digest))
        return read_bundle(self._folder / digest, verify=False)

    def _make_room(self, wanted: str) -> None:
        """Delete the least recently used copies that nobody holds until the rest fits."""
        digests = [path.name.removesuffix(LOCK) for path in self._folder.glob(f"*{LOCK}")]
        digests.sort(key=lambda digest: self._lock(digest).stat().st_mtime_ns)
        total = sum(map(self._bytes, digests))
        for digest in digests:
            if total <= self._most_bytes:
                return
            if digest == wanted:
                continue
            try:
                with file_lock(self._lock(digest), "exclusive", wait=False):
                    total -= self._bytes(digest)
                    self._delete(digest)
            except BlockingIOError:
                continue

    def _delete(self, digest: str) -> None:
        """Delete a copy and what an interrupted fetch left; the exclusive lock is held."""
        partial = self._folder / (digest + PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        if (self._folder / digest).exists():  # a rename first: a kill leaves no half copy
            (self._folder / digest).rename(partial)
            shutil.rmtree(partial)

    def _bytes(self, digest: str) -> int:
        folders = (self._folder / digest, self._folder / (digest + PARTIAL))
        return sum(path.stat().st_size for folder in folders for path in folder.glob("*"))

    def _lock(self, digest: str) -> Path:
        return self._folder / (digest + LOCK)


def open_cache(settings: Settings, storage: Storage) -> BundleCache:
    """Return the cache that `settings` describe; it makes its folder when it is used."""
    return BundleCache(storage, settings.cache / "models", settings.model_cache_bytes)
