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
from celery.worker.consumer import Consumer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from semblante import workers
from semblante.database import Database
from semblante.holder import own_children
from semblante.settings import Settings
from semblante_worker.ending import QuickEnd

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
    """Announces the worker, and says when it ends."""

    requires = {QuickEnd}

    def start(self, worker: WorkController) -> None:
        """Say that the worker starts."""
        _unless_away(worker.app.conf.semblante_presence.begin)

    def stop(self, worker: WorkController) -> None:
        """Say that the worker ends."""
        _unless_away(worker.app.conf.semblante_presence.end)


class PresenceBeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Beats in the worker's parent, and stops or takes up consuming as the rows say.

    A step of the consumer, which begins anew after each loss of the broker: Celery forgets all
    timers then.
    """

    requires = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, consumer: Consumer, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._entry: Any = None

    def start(self, consumer: Consumer) -> None:
        """Begin to beat."""
        self.stop(consumer)
        presence: Presence = consumer.app.conf.semblante_presence
        self._entry = consumer.timer.call_repeatedly(
            workers.BEAT_SECONDS, self._beat, (consumer, presence)
        )

    def stop(self, consumer: Consumer) -> None:  # noqa: ARG002
        """Beat no more."""
        if self._entry is not None:
            self._entry.cancel()

    def _beat(self, consumer: Consumer, presence: Presence) -> None:
        is_draining = _unless_away(presence.beat)
        if is_draining is None or is_draining == consumer.app.conf.semblante_rests:
            return
        for queue in presence.queues:
            (_leave_queue if is_draining else _take_queue)(consumer, queue)
        consumer.app.conf.semblante_rests = is_draining
        log.info("drained: takes no more work" if is_draining else "takes work again")


def _leave_queue(consumer: Consumer, queue: str) -> None:
    consumer.cancel_task_queue(queue)


def _take_queue(consumer: Consumer, queue: str) -> None:
    known = consumer.app.amqp.queues
    known.select_add(known[queue])  # `add_task_queue` alone is forgotten at the next connection
    consumer.add_task_queue(queue)


def _unless_away(act: Callable[[], bool | None]) -> bool | None:
    """Do it; a database that is away, or has another schema, is none of this worker's troubles."""
    try:
        return act()
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        log.warning("worker cannot tell that it runs", detail=str(error).partition("\n")[0])
        return None
