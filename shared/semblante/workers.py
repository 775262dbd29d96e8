"""The workers that run, as their rows tell: they announce themselves, and people drain them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from semblante.errors import NotFound
from semblante.tables import RunningWorker

BEAT_SECONDS = 3.0
LOST_AFTER = timedelta(seconds=30)
"""A worker that has said nothing for so long has died, or cannot reach the database."""
FORGOTTEN_AFTER = timedelta(days=1)


def announce(session: Session, name: str, queues: Sequence[str], device: str) -> None:
    """Note a worker that starts; a worker of this name that was drained before works again."""
    now = datetime.now(UTC)
    row = RunningWorker(
        name=name,
        queues=list(queues),
        holders=[],
        device=device,
        started_at=now,
        seen_at=now,
        draining=False,
    )
    session.merge(row)


def beat(session: Session, name: str, holders: Sequence[str]) -> bool | None:
    """Note that the worker runs, and its processes; return whether it is to take no more work.

    None means that it has no row: it was announced to another database, or long forgotten.
    """
    row = session.get(RunningWorker, name, with_for_update=True)
    if row is None:
        return None
    row.seen_at = datetime.now(UTC)
    row.holders = list(holders)
    return row.draining


def is_draining(session: Session, name: str) -> bool:
    """Whether the worker called `name` is to take no more work."""
    row = session.get(RunningWorker, name)
    return row is not None and row.draining


def set_draining(session: Session, name: str, draining: bool) -> RunningWorker:
    """Let a worker finish what it holds and take no more, or let it take work again.

    Raises:
        NotFound: `worker_not_found`.
    """
    row = session.get(RunningWorker, name, with_for_update=True)
    if row is None:
        raise NotFound(
            "worker_not_found", "There is no worker %(name)r among those that run.", name=name
        )
    row.draining = draining
    return row


def list_all(session: Session) -> list[RunningWorker]:
    """Return the workers by name, also those that were lost within a day."""
    return list(session.scalars(select(RunningWorker).order_by(RunningWorker.name)))


def is_lost(row: RunningWorker) -> bool:
    """Whether the worker has been silent for too long."""
    return row.seen_at < datetime.now(UTC) - LOST_AFTER


def leave(session: Session, name: str) -> None:
    """Remove the row of a worker that ends."""
    session.execute(delete(RunningWorker).where(RunningWorker.name == name))


def forget_lost(session: Session) -> None:
    """Remove the rows of workers that have been silent for a day."""
    before = datetime.now(UTC) - FORGOTTEN_AFTER
    session.execute(delete(RunningWorker).where(RunningWorker.seen_at < before))
