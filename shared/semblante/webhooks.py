"""Webhooks: the end of a job, told to an address by the Standard Webhooks scheme.

The event is a row, written in the transaction that ends the job; a worker delivers it, again and
again until the receiver takes it. It may come twice: `webhook-id` tells.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from semblante.database import Database
from semblante.errors import NotFound, Refused
from semblante.guarded_request import parse
from semblante.identifiers import new_id
from semblante.message import Message
from semblante.public_address import Network, resolve_public
from semblante.queue import Queue
from semblante.tables import Job
from semblante.upsert import insert_into
from semblante.webhook_tables import WebhookAttempt, WebhookEvent, WebhookSecret

OPTION = "webhook"
TASK = "semblante.deliver"
SECRET_PREFIX = "whsec_"  # noqa: S105  # pragma: allowlist secret (how the scheme marks them)
SECRET_BYTES = 32
GONE = 410
"""By this status a receiver says that it wants nothing more."""
COUNTS = ("total", "ok", "no_face", "failed", "skipped", "faces")


class Attempt(NamedTuple):
    """What came of a delivery: the status of the answer, or why there was none."""

    at: datetime
    seconds: float
    status: int | None
    error: Message | None = None

    @property
    def went_well(self) -> bool:
        """Whether the receiver has taken the event."""
        return self.status is not None and 200 <= self.status < 300


def check_address(url: str, networks: tuple[Network, ...]) -> None:
    """Refuse what could never be delivered to, while the person is still there.

    Raises:
        Refused: `invalid_url` or `url_not_public`.
    """
    address = parse(url)
    try:
        resolve_public(address.host, address.port or 443, networks)
    except Refused as error:
        if error.code != "url_failed":  # a name may be known by the time that the job ends
            raise


def announce(session: Session, job: Job) -> None:
    """Add the event that the job has ended, if it has a webhook, in the same transaction."""
    url = job.options.get(OPTION)
    if url is None:
        return
    now = datetime.now(UTC)
    kind = f"job.{job.state}"
    body = {"type": kind, "timestamp": now.isoformat(), "data": _data(job)}
    found = WebhookEvent(
        id=new_id(),
        job_id=job.id,
        type=kind,
        url=url,
        body=json.dumps(body, ensure_ascii=False),
        created_at=now,
        next_at=now,
    )
    session.add(found)
    session.info.setdefault(TASK, []).append(found.id)


def send_on_commit(database: Database, queue: Queue) -> None:
    """Have each transaction of `database` that announced an event send its delivery to `queue`.

    So nobody who ends a job has to think of it; what is not sent is found by the sweep.
    """

    def after_commit(session: Session) -> None:
        for event_id in session.info.pop(TASK, ()):
            queue.send(TASK, event_id=event_id)

    event.listen(database.writers, "after_commit", after_commit)


def due(session: Session, before: datetime) -> list[str]:
    """Return the ids of the events whose delivery is due."""
    query = select(WebhookEvent.id).where(
        WebhookEvent.state == "pending", WebhookEvent.next_at <= before
    )
    return list(session.scalars(query.order_by(WebhookEvent.next_at).limit(1000)))


def claim(session: Session, event_id: str, seconds: float) -> WebhookEvent | None:
    """Return a due event and put it off by `seconds`; None when nothing is to be done for it."""
    found = session.get(WebhookEvent, event_id, with_for_update=True)
    now = datetime.now(UTC)
    if found is None or found.state != "pending" or found.next_at > now:
        return None
    found.next_at = now + timedelta(seconds=seconds)
    return found


def settle(
    session: Session, event_id: str, attempt: Attempt, retries: tuple[float, ...]
) -> WebhookEvent | None:
    """Keep what came of an attempt, and decide when to try again; None for a deleted event.

    Args:
        session: A writing transaction.
        event_id: The event.
        attempt: What came of it.
        retries: Seconds between one attempt and the next.
    """
    found = session.get(WebhookEvent, event_id, with_for_update=True)
    if found is None:
        return None
    found.attempts += 1
    session.add(WebhookAttempt(event_id=event_id, number=found.attempts, **attempt._asdict()))
    if attempt.went_well:
        found.state = "delivered"
    elif attempt.status == GONE or found.attempts > len(retries):
        found.state = "given_up"
    else:
        wait = retries[found.attempts - 1]
        found.next_at = datetime.now(UTC) + timedelta(seconds=wait)
    return found


def resend(session: Session, job_id: str, event_id: str) -> WebhookEvent:
    """Have an event delivered once more, now; also one that was given up.

    Raises:
        NotFound: `event_not_found`.
    """
    found = session.get(WebhookEvent, event_id, with_for_update=True)
    if found is None or found.job_id != job_id:
        raise NotFound("event_not_found", "The job has no event %(event_id)s.", event_id=event_id)
    found.state, found.next_at = "pending", datetime.now(UTC)
    session.info.setdefault(TASK, []).append(event_id)
    return found


def events(session: Session, job_id: str) -> Iterator[tuple[WebhookEvent, list[WebhookAttempt]]]:
    """Yield the events of a job with their attempts, both oldest first."""
    of_job = select(WebhookEvent).where(WebhookEvent.job_id == job_id).order_by(WebhookEvent.id)
    for found in session.scalars(of_job):
        tried = select(WebhookAttempt).where(WebhookAttempt.event_id == found.id)
        yield found, list(session.scalars(tried.order_by(WebhookAttempt.number)))


def forget(session: Session, job_id: str) -> None:
    """Delete the events of a job, delivered or not."""
    of_job = select(WebhookEvent.id).where(WebhookEvent.job_id == job_id)
    session.execute(delete(WebhookAttempt).where(WebhookAttempt.event_id.in_(of_job)))
    session.execute(delete(WebhookEvent).where(WebhookEvent.job_id == job_id))


def secret_of(session: Session, owner: str) -> str:
    """Return what signs the webhooks of an owner; made when it is asked for first."""
    row = insert_into(session, WebhookSecret).values(
        owner=owner, secret=_new_secret(), created_at=datetime.now(UTC)
    )
    session.execute(row.on_conflict_do_nothing())
    return session.get_one(WebhookSecret, owner).secret


def replace_secret(session: Session, owner: str) -> str:
    """Make another secret, which signs from now on, and return it."""
    secret_of(session, owner)
    found = session.get_one(WebhookSecret, owner)
    found.secret, found.created_at = _new_secret(), datetime.now(UTC)
    return found.secret


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _data(job: Job) -> dict[str, Any]:
    """Return what an event tells of its job: `GET /jobs/{id}` has the rest."""
    error = (
        {"code": job.error_code, "detail": str(job.error_detail or "")} if job.error_code else None
    )
    return {
        "id": job.id,
        "state": job.state,
        "model": job.model,
        "filename": job.filename,
        "counts": {name: getattr(job, name) for name in COUNTS},
        "error": error,
        "created_at": job.created_at.isoformat(),
        "ended_at": getattr(job, f"{job.state}_at").isoformat(),
        "metadata": job.note,
    }
