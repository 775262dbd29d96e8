"""A worker's presence: it tells the database that it runs, and rests while a person drains it.

All in the parent process, on Celery's timer: no thread is there when a child is forked, and no
connection is open then.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import structlog
from celery import bootsteps
from celery.worker import WorkController
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from semblante import workers
from semblante.database import Database
from semblante.holder import own_children
from semblante.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Presence:
    """What one worker tells of itself."""

    database_url: str
    name: str
    queues: tuple[str, ...]
    device: str

    @classmethod
    def of(
        cls, settings: Settings, name: str, queues: Sequence[str], devices: Sequence[str]
    ) -> Self:
        """Return that of the worker called `name` (`name@host`)."""
        return cls(settings.database, name, tuple(queues), ",".join(devices) or settings.device)

    def begin(self) -> None:
        """Say that the worker starts."""
        with self._writing() as session:
            workers.announce(session, self.name, self.queues, self.device)

    def beat(self) -> bool:
        """Say that the worker runs; return whether it is to take no more work."""
        with self._writing() as session:
            draining = workers.beat(session, self.name, own_children())
            if draining is None:
                workers.announce(session, self.name, self.queues, self.device)
        return bool(draining)

    def end(self) -> None:
        """Say that the worker ends."""
        with self._writing() as session:
            workers.leave(session, self.name)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        database = Database(self.database_url)
        try:
            with database.writing() as session:
                yield session
        finally:
            database.dispose()


class PresenceStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Beats in the worker's parent, and stops or takes up consuming as the rows say."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, worker: WorkController, **options: Any) -> None:
        super().__init__(worker, **options)
        self._entry: Any = None
        self._is_resting = False

    def start(self, worker: WorkController) -> None:
        """Announce the worker and begin to beat."""
        presence: Presence = worker.app.conf.semblante_presence
        _unless_away(presence.begin)
        self._entry = worker.timer.call_repeatedly(
            workers.BEAT_SECONDS, self._beat, (worker, presence)
        )

    def stop(self, worker: WorkController) -> None:
        """Beat no more, and say so."""
        if self._entry is not None:
            self._entry.cancel()
        _unless_away(worker.app.conf.semblante_presence.end)

    def _beat(self, worker: WorkController, presence: Presence) -> None:
        is_draining = _unless_away(presence.beat)
        if is_draining is None or is_draining == self._is_resting:
            return
        for queue in presence.queues:
            (_leave_queue if is_draining else _take_queue)(worker, queue)
        self._is_resting = is_draining
        log.info("drained: takes no more work" if is_draining else "takes work again")


def _leave_queue(worker: WorkController, queue: str) -> None:
    worker.consumer.cancel_task_queue(queue)


def _take_queue(worker: WorkController, queue: str) -> None:
    known = worker.app.amqp.queues
    known.select_add(known[queue])  # `add_task_queue` alone is forgotten at the next connection
    worker.consumer.add_task_queue(queue)


def _unless_away(act: Callable[[], bool | None]) -> bool | None:
    """Do it; a database that is away, or has another schema, is none of this worker's troubles."""
    try:
        return act()
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        log.warning("worker cannot tell that it runs", detail=str(error).partition("\n")[0])
        return None
