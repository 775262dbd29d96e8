"""Requests that wait until a job changes. Each holds a thread, so only some may at once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from flask import Flask, current_app
from sqlalchemy import select

from semblante import jobs
from semblante.lifecycle import OPEN_STATES
from semblante.services import Services
from semblante.settings import Settings
from semblante.tables import Job

MAX_WAIT_SECONDS = 60
LOOK_SECONDS = 0.2
EXTENSION = "semblante_seats"
OBSERVED = (
    *(Job.state, Job.paused, Job.total, Job.ok, Job.no_face, Job.failed, Job.skipped, Job.faces),
    *(Job.in_progress_at, Job.completed_at, Job.error_code),
)
_ending = threading.Event()


class Version(NamedTuple):
    """What of a job is observed, in short; and whether anything more can come."""

    tag: str
    is_open: bool


def register_seats(app: Flask, settings: Settings) -> None:
    """Let half of the threads of `app` wait: the others go on answering."""
    app.extensions[EXTENSION] = threading.Semaphore(settings.web_threads // 2)


def end_waits() -> None:
    """Answer all who wait, now and from now on at once: this process is about to end."""
    _ending.set()


def version_of(services: Services, job_id: str) -> Version:
    """Return the job's version.

    Speed and time left change by themselves all the time, and do not count.

    Raises:
        NotFound: `job_not_found`.
    """
    with services.database.reading() as session:
        row = session.execute(select(*OBSERVED).where(Job.id == job_id)).one_or_none()
    if row is None:
        raise jobs.missing(job_id)
    digest = hashlib.sha256(repr(tuple(row)).encode()).hexdigest()
    return Version(digest[:16], row.state in OPEN_STATES)


def wait_for_change(
    services: Services, job_id: str, is_known: Callable[[str], bool] | None, seconds: float
) -> str:
    """Return the tag of the job's version once it is not known any more, or after `seconds`.

    Args:
        services: Where the job is.
        job_id: The job.
        is_known: Whether the sender has the version of a tag; None: it has that of now.
        seconds: How long to wait at most. 0 while too many others wait.

    Raises:
        NotFound: `job_not_found`, also when it is deleted meanwhile.
    """
    now = version_of(services, job_id)
    known = is_known or now.tag.__eq__
    if seconds == 0 or not now.is_open:
        return now.tag
    with _seat() as has_seat:
        deadline = time.monotonic() + (seconds if has_seat else 0)
        while now.is_open and known(now.tag) and (left := deadline - time.monotonic()) > 0:
            if _ending.wait(min(LOOK_SECONDS, left)):
                break
            now = version_of(services, job_id)
    return now.tag


@contextmanager
def _seat() -> Iterator[bool]:
    seats: threading.Semaphore = current_app.extensions[EXTENSION]
    has_seat = seats.acquire(blocking=False)
    try:
        yield has_seat
    finally:
        if has_seat:
            seats.release()
