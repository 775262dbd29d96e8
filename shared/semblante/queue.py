"""The queue: a Celery application that sends tasks by name, and carries only ids.

SQL is the only truth. A message that is lost is sent again by the sweep, one that comes twice finds
its chunk leased or done: so a broker that does not answer never fails a request.
"""

from __future__ import annotations

from typing import Any, Literal

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session

from semblante.errors import Unavailable
from semblante.settings import Settings
from semblante.telemetry import carried

QueueName = Literal["control", "classify", "predict"]
QUEUES: dict[str, QueueName] = {
    "semblante.index": "control",
    "semblante.finish": "control",
    "semblante.sweep": "control",
    "semblante.tidy": "control",
    "semblante.deliver": "control",
    "semblante.classify": "classify",
    "semblante.predict": "predict",
}
"""Every task and its queue."""

PREDICT_WAITING = "semblante:{predict}:waiting"
"""The list of the requests that `semblante.predict` takes; see predict_requests.py."""

PRIORITIES = (0, 3, 6, 9)
"""What the broker tells apart; the lowest number goes first, whatever the queue."""

# Longer than any chunk: a lease, not the broker, decides when work is given to another worker.
VISIBILITY_TIMEOUT_SECONDS = 3600

CONNECT_SECONDS = 2.0
SILENCE_SECONDS = 10.0
"""A connection that a failover or a firewall has forgotten says nothing, and is not closed either.
Longer than the broker is ever asked to wait with its answer (1 s)."""
WORKER_ANSWER_SECONDS = 2.0
log = structlog.get_logger()


def broker_url(settings: Settings) -> str:
    """Return the broker's URL; raises Unavailable when nothing names one."""
    if settings.broker_url is None:
        raise Unavailable(
            "broker_unavailable",
            "No broker is known: set SEMBLANTE_BROKER_URL, or start everything by `semblante up`.",
        )
    return settings.broker_url


def make_app(settings: Settings) -> Celery:
    """Return the Celery application of this process; connects to nothing yet."""
    url = broker_url(settings)
    app = Celery("semblante", broker=url, backend=url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_routes={name: {"queue": queue} for name, queue in QUEUES.items()},
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        # Else a worker with a child that never ends a task takes no more after a reconnection.
        worker_enable_prefetch_count_reduction=False,
        worker_max_tasks_per_child=1000,  # what a decoder's library leaks ends with the process
        worker_hijack_root_logger=False,
        worker_proc_alive_timeout=120,
        worker_soft_shutdown_timeout=10,
        worker_enable_soft_shutdown_on_idle=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a broker that refuses, as after a failover: recovery.py
        broker_transport_options={
            "priority_steps": list(PRIORITIES),
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 5,
            "_throttle": 1,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": SILENCE_SECONDS,
            "health_check_interval": SILENCE_SECONDS,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
        },
        redis_socket_connect_timeout=CONNECT_SECONDS,
        redis_socket_timeout=SILENCE_SECONDS,
        enable_utc=True,
    )
    return app


class Queue:
    """Sends messages; never raises because the broker is away."""

    def __init__(self, app: Celery) -> None:
        self.app = app

    def send(self, task: str, priority: int = 0, **ids: Any) -> bool:
        """Send one message now; False when the broker did not take it.

        Args:
            task: Its name, one of `QUEUES`.
            priority: Messages with a lower number are taken first: see `PRIORITIES`.
            ids: What the task needs.
        """
        try:
            self.app.send_task(
                task,
                kwargs=ids,
                priority=priority,
                headers=carried(),
                retry=False,
                ignore_result=True,
            )
        except OperationalError as error:
            log.warning("broker did not take a message", task=task, error=str(error), **ids)
            return False
        return True

    def send_on_commit(self, session: Session, task: str, priority: int = 0, **ids: Any) -> None:
        """Send once `session`'s transaction is committed; never when it is rolled back."""

        def after_commit(_session: Session) -> None:
            self.send(task, priority, **ids)

        event.listen(session, "after_commit", after_commit, once=True)

    def check_worker(self) -> None:
        """Return as soon as one worker answers.

        Raises:
            Unavailable: `broker_unavailable`, or `worker_unavailable` when none answers in 2 s.
        """
        try:
            answers = self.app.control.ping(timeout=WORKER_ANSWER_SECONDS, limit=1)
        except (OperationalError, RedisError) as error:
            raise _broker_away(error) from error
        if not answers:
            raise Unavailable("worker_unavailable", "No worker answers: start one, or see its log.")

    def depth(self, queue: QueueName) -> int:
        """Return how many messages, or requests for one image, wait in `queue`.

        Raises:
            Unavailable: `broker_unavailable`.
        """
        try:
            if queue == "predict":
                return int(self.app.backend.client.llen(PREDICT_WAITING))
            with self.app.connection_for_read() as connection:
                channel = connection.default_channel
                return int(channel.queue_declare(queue, passive=False).message_count)
        except (OperationalError, RedisError) as error:
            raise _broker_away(error) from error


def _broker_away(error: Exception) -> Unavailable:
    return Unavailable("broker_unavailable", "The broker does not answer: %(reason)s", reason=error)
