"""A worker's presence: rows of real processes, and a database that is away harms nothing."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from celery.utils.timer2 import Timer

from semblante import workers
from semblante.holder import is_known_dead
from semblante.services import Services
from semblante_worker.presence import Presence, PresenceStep


def presence(services: Services) -> Presence:
    return Presence.of(services.settings, "one@host", ["classify"], [])


def test_it_names_its_children_until_it_ends(services: Services) -> None:
    own = presence(services)
    own.begin()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert own.beat() is False
        with services.database.reading() as session:
            (row,) = workers.list_all(session)
        held = [holder for holder in row.holders if f"/{child.pid}/" in holder]
        assert [is_known_dead(holder) for holder in held] == [False]
    finally:
        child.communicate(b"\n")
    assert is_known_dead(held[0])
    own.end()
    with services.database.reading() as session:
        assert workers.list_all(session) == []


def test_a_row_that_is_gone_comes_back(services: Services) -> None:
    own = presence(services)
    assert own.beat() is False
    with services.database.reading() as session:
        assert [row.name for row in workers.list_all(session)] == ["one@host"]


class Consumer:
    """What the step tells Celery's consumer."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def cancel_task_queue(self, queue: str) -> None:
        self.told.append(f"leave {queue}")

    def add_task_queue(self, queue: str) -> None:
        self.told.append(f"take {queue}")


def worker_of(services: Services, own: Presence) -> tuple[Any, Consumer]:
    consumer = Consumer()
    app = services.queue.app
    app.conf.semblante_presence = own
    app.amqp.queues.select_add("classify")
    return SimpleNamespace(app=app, consumer=consumer, timer=Timer()), consumer


def test_the_queues_follow_the_row_once(services: Services) -> None:
    own = presence(services)
    worker, consumer = worker_of(services, own)
    step = PresenceStep(worker)
    own.begin()
    for draining in (True, True, False, False):
        with services.database.writing() as session:
            workers.set_draining(session, "one@host", draining)
        step._beat(worker, own)
    assert consumer.told == ["leave classify", "take classify"]


def test_a_database_that_is_away_stops_no_worker(services: Services) -> None:
    own = Presence("postgresql+psycopg://nobody@127.0.0.1:1/none", "one@host", ("classify",), "cpu")
    worker, consumer = worker_of(services, own)
    step = PresenceStep(worker)
    step.start(worker)
    step._beat(worker, own)
    step.stop(worker)
    assert consumer.told == []
