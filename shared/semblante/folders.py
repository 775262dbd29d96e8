"""The folders of a job's archive: gathered while it is indexed, offered as a filter."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from semblante.tables import Folder

MOST_FOLDERS = 10_000
"""Of one job; later ones cannot be filtered by. An archive may have a folder for each image."""
MOST_LISTED = 20_000
"""Images of a scattered folder that are listed. Those of a larger one are met soon anyway."""
MOST_LISTED_BYTES = 80 * 1024**2
"""For the lists of one job, whatever its archive is like."""


@dataclass(slots=True)
class _Seen:
    """A folder so far; `listed` has its images, once others lay between them."""

    first: int
    last: int
    images: int
    listed: array[int] | None = None


class FolderCounter:
    """Gathers the folders of images that come in archive order."""

    def __init__(self) -> None:
        self._folders: dict[str, _Seen] = {}
        self._listed_bytes = 0
        self._at = ""
        self._first = self._next = 0

    def add(self, index: int, path: str) -> None:
        """Count an image to its folder and to all above it."""
        folder = path[: max(path.rfind("/"), 0)]
        if folder != self._at or index != self._next:
            self._end_run()
            self._at, self._first = folder, index
        self._next = index + 1

    def rows(self, job_id: str) -> list[dict[str, object]]:
        """Return the rows of the table."""
        self._end_run()
        self._first = self._next
        return [
            {
                "job_id": job_id,
                "path": path,
                "first": seen.first,
                "last": seen.last,
                "images": seen.images,
                "listed": _packed(seen.listed) if seen.listed else None,
            }
            for path, seen in self._folders.items()
        ]

    def _end_run(self) -> None:
        """Count neighbours of one folder at once: most images lie beside others of theirs."""
        first, end = self._first, self._next
        folder = self._at if end > first else ""
        while folder:
            seen = self._folders.get(folder)
            if seen is not None:
                self._list(seen, range(first, end))
                seen.last = end - 1
                seen.images += end - first
            elif len(self._folders) < MOST_FOLDERS:
                self._folders[folder] = _Seen(first, end - 1, end - first)
            folder = folder[: max(folder.rfind("/"), 0)]

    def _list(self, seen: _Seen, more: range) -> None:
        """Note the images of a folder that turns out to be scattered, unless they are many."""
        if seen.listed is None:
            if seen.last + 1 == more.start or seen.last + 1 - seen.first != seen.images:
                return  # contiguous so far; or given up
            seen.listed = array("I")
            known = range(seen.first, seen.last + 1)
        else:
            known = range(0)
        images = len(seen.listed) + len(known) + len(more)
        if images > MOST_LISTED or self._listed_bytes > MOST_LISTED_BYTES:
            self._listed_bytes -= len(seen.listed) * seen.listed.itemsize
            seen.listed = None
        else:
            seen.listed.extend(known)
            seen.listed.extend(more)
            self._listed_bytes += (len(known) + len(more)) * seen.listed.itemsize


def write(session: Session, rows: Iterable[dict[str, object]]) -> None:
    """Store the folders of a job."""
    if found := list(rows):
        session.execute(insert(Folder), found)


def of_job(session: Session, job_id: str, limit: int) -> list[Folder]:
    """Return up to `limit` folders of a job, in archive order, outer ones first."""
    query = select(Folder).where(Folder.job_id == job_id).order_by(Folder.first, Folder.path)
    return list(session.scalars(query.limit(limit)))


def listed_images(folder: Folder) -> list[int] | None:
    """Return the images of a scattered folder; None where it is not known which they are."""
    if folder.listed is None:
        return None
    indexes = array("I")
    indexes.frombytes(folder.listed)
    if sys.byteorder == "big":
        indexes.byteswap()
    return indexes.tolist()


def _packed(indexes: array[int]) -> bytes:
    if sys.byteorder == "big":
        indexes = array("I", indexes)
        indexes.byteswap()
    return indexes.tobytes()
