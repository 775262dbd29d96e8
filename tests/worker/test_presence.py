"""A worker's presence: rows of real processes, and a database that is away harms nothing."""

from __future__ import annotations

import subprocess
import sys

from celery import Celery
from celery.utils.timer2 import Timer

from semblante import workers
from semblante.holder import cannot_work
from semblante.services import Services
from semblante_worker.presence import Presence, PresenceBeat, PresenceStep
from semblante_worker.sweeper import Sweeper


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
        assert [cannot_work(holder) for holder in held] == [False]
    finally:
        child.communicate(b"\n")
    assert cannot_work(held[0])
    own.end()
    with services.database.reading() as session:
        assert workers.list_all(session) == []


def test_a_row_that_is_gone_comes_back(services: Services) -> None:
    own = presence(services)
    assert own.beat() is False
    with services.database.reading() as session:
        assert [row.name for row in workers.list_all(session)] == ["one@host"]


class Consumer:
    """What a step has of Celery's consumer, and what it tells it."""

    def __init__(self, app: Celery) -> None:
        self.app, self.timer = app, Timer()
        self.told: list[str] = []

    def cancel_task_queue(self, queue: str) -> None:
        self.told.append(f"leave {queue}")

    def add_task_queue(self, queue: str) -> None:
        self.told.append(f"take {queue}")


def consumer_of(services: Services, own: Presence) -> Consumer:
    app = services.queue.app
    app.conf.semblante_presence = own
    app.conf.semblante_rests = False
    app.amqp.queues.select_add("classify")
    return Consumer(app)


def test_the_queues_follow_the_row_once(services: Services) -> None:
    own = presence(services)
    consumer = consumer_of(services, own)
    step = PresenceBeat(consumer)
    own.begin()
    for draining in (True, True, False, False):
        with services.database.writing() as session:
            workers.set_draining(session, "one@host", draining)
        step._beat(consumer, own)
    assert consumer.told == ["leave classify", "take classify"]


def test_a_worker_that_rests_sends_no_sweeps(services: Services) -> None:
    consumer = consumer_of(services, presence(services))
    consumer.app.conf.semblante_clock = {"semblante.sweep": 3600.0}
    for rests, waiting in ((True, 0), (False, 1)):
        consumer.app.conf.semblante_rests = rests
        sweeper = Sweeper(consumer)
        sweeper.start(consumer)
        sweeper.stop(consumer)
        assert services.queue.depth("control") == waiting


def test_a_database_that_is_away_stops_no_worker(services: Services) -> None:
    own = Presence("postgresql+psycopg://nobody@127.0.0.1:1/none", "one@host", ("classify",), "cpu")
    consumer = consumer_of(services, own)
    step, beat = PresenceStep(consumer), PresenceBeat(consumer)
    for one in (step, beat):
        one.start(consumer)
    beat._beat(consumer, own)
    for one in (beat, step):
        one.stop(consumer)
    assert consumer.told == []
