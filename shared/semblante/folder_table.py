"""The table of folders: filters of the gallery."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from semblante.table_base import Table


class Folder(Table):
    """A folder of a job's archive, with those below it: a filter of the gallery."""

    __tablename__ = "folders"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    first: Mapped[int]
    last: Mapped[int]
    """Indexes of its first and its last image."""
    images: Mapped[int]
    listed: Mapped[bytes | None] = mapped_column(deferred=True)
    """Indexes of its images, little-endian uint32, where others lie between them and they are
    not many."""

    @property
    def is_contiguous(self) -> bool:
        """Whether all images from the first to the last lie in the folder; usual in archives."""
        return self.last - self.first + 1 == self.images
