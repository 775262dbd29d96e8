"""Steps of a whole job (`index`, `finish`): leased on the job's own row, capped in attempts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from semblante import jobs, leases
from semblante.database import Database
from semblante.errors import Unavailable
from semblante.insistence import insist
from semblante.lifecycle import State
from semblante.message import Message
from semblante.queue import Queue
from semblante.settings import Settings
from semblante.tables import Job

TASK_OF_STATE: dict[State, str] = {
    "validating": "semblante.index",
    "finalizing": "semblante.finish",
}
RENEWALS_PER_LEASE = 4


class LeaseLost(Exception):
    """The job was cancelled, deleted, or given to another worker: stop, and write nothing."""


class Stopping(Exception):
    """The worker is to end: stop, and write nothing."""


def never() -> bool:
    """Of a process that nobody asks to end."""
    return False


@dataclass
class Step:
    """The right to bring one job out of `state`; every transaction of the step asks for it."""

    database: Database
    settings: Settings
    job_id: str
    state: State
    token: str
    renewed: float
    stops: Callable[[], bool]

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, Job]]:
        """One transaction with the job locked and its lease renewed; raises LeaseLost."""
        with self.database.writing() as session:
            job = session.get(Job, self.job_id, with_for_update=True)
            if job is None or job.lease_token != self.token or job.state != self.state:
                raise LeaseLost(self.job_id)
            leases.renew(session, job, self.settings.lease_seconds)
            self.renewed = time.monotonic()
            yield session, job
            if job.state != self.state:  # in one transaction: nobody may die between the two
                leases.give_back(job)
                job.attempts = 0

    def heed(self) -> None:
        """Raise Stopping when the worker is to end."""
        if self.stops():
            raise Stopping

    def keep(self) -> None:
        """Renew the lease when a good part of it has gone by; raises LeaseLost, or Stopping."""
        self.heed()
        if time.monotonic() - self.renewed > self.settings.lease_seconds / RENEWALS_PER_LEASE:
            with self.writing():
                pass

    def keeping(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass `blocks` on, renewing the lease on the way; raises LeaseLost, or Stopping."""
        for block in blocks:
            self.keep()
            yield block


@contextmanager
def take_step(
    database: Database,
    settings: Settings,
    job_id: str,
    state: State,
    stops: Callable[[], bool] = never,
) -> Iterator[Step | None]:
    """Lease the job while it is in `state`; None when there is nothing to do.

    The lease ends with the block. A step that raised or ended its worker `max_attempts` times fails
    the job; a database, storage or disk that fails, or a worker that is to end (when `stops`
    says so), is no attempt: the sweep tries again.
    """
    step: Step | None = None
    counts = True
    try:
        # Within `try`: a commit whose answer was lost may have come through.
        with database.writing() as session:
            job = session.get(Job, job_id, with_for_update=True)
            if job is not None and job.state == state and leases.is_free(session, job):
                if job.attempts >= settings.max_attempts:
                    jobs.fail(
                        session,
                        job,
                        "step_crash",
                        Message("The step '%(step)s' failed repeatedly.", step=state),
                    )
                else:
                    token = leases.take(session, job, settings.lease_seconds)
                    step = Step(database, settings, job_id, state, token, time.monotonic(), stops)
        yield step
    except LeaseLost:
        pass  # somebody decided otherwise; the sweep settles what is left
    except Stopping:
        counts = False
    except (OSError, OperationalError, Unavailable):
        counts = False
        raise
    finally:
        if step is not None:
            insist(partial(_give_back, database, step, counts=counts))


def resend(session: Session, queue: Queue, job: Job) -> None:
    """Send the message of the job's step again, when nobody works on it."""
    task = TASK_OF_STATE.get(job.state)
    if task is not None and leases.is_free(session, job):
        queue.send_on_commit(session, task, job_id=job.id)


def _give_back(database: Database, step: Step, *, counts: bool) -> None:
    with database.writing() as session:
        job = session.get(Job, step.job_id, with_for_update=True)
        if job is not None and job.lease_token == step.token:
            job.attempts -= not counts
            leases.give_back(job)
            jobs.settle_cancelled(session, job)
