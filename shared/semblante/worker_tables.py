"""The table of the workers that run; import it from `semblante.tables`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from semblante.table_base import Table


class RunningWorker(Table):
    """A worker that says every few seconds that it runs; its row goes when it ends."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    """`name@host`, as Celery calls it."""
    queues: Mapped[list[str]]
    holders: Mapped[list[str]]
    """Its processes, as leases name them (`holder.py`)."""
    device: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    draining: Mapped[bool] = mapped_column(default=False)
    """A person wants it to finish what it holds and to take no more."""

    @property
    def host(self) -> str:
        """Where it runs."""
        return self.name.partition("@")[2]
