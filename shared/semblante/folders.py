"""The folders of a job's archive: gathered while it is indexed, offered as a filter."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from semblante.tables import Folder

MOST_FOLDERS = 10_000
"""Of one job; later ones cannot be filtered by. An archive may have a folder for each image."""


class FolderCounter:
    """Gathers the folders of images that come in archive order."""

    def __init__(self) -> None:
        self._folders: dict[str, list[int]] = {}

    def add(self, index: int, path: str) -> None:
        """Count an image to its folder and to all above it."""
        end = path.rfind("/")
        while end > 0:
            folder = path[:end]
            known = self._folders.get(folder)
            if known is not None:
                known[1] = index
                known[2] += 1
            elif len(self._folders) < MOST_FOLDERS:
                self._folders[folder] = [index, index, 1]
            end = path.rfind("/", 0, end)

    def rows(self, job_id: str) -> list[dict[str, object]]:
        """Return the rows of the table."""
        return [
            {"job_id": job_id, "path": path, "first": first, "last": last, "images": images}
            for path, (first, last, images) in self._folders.items()
        ]


def write(session: Session, rows: Iterable[dict[str, object]]) -> None:
    """Store the folders of a job."""
    if found := list(rows):
        session.execute(insert(Folder), found)


def of_job(session: Session, job_id: str, limit: int) -> list[Folder]:
    """Return up to `limit` folders of a job, in archive order, outer ones first."""
    query = select(Folder).where(Folder.job_id == job_id).order_by(Folder.first, Folder.path)
    return list(session.scalars(query.limit(limit)))
