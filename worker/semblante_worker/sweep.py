"""Sweep: put right whatever dead workers and lost messages left behind. May run at any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from semblante import (
    audit,
    chunks,
    jobs,
    leases,
    steps,
    uploads,
    usage,
    webhooks,
    workers,
)
from semblante.bundle_import import discard_unused
from semblante.errors import Unavailable
from semblante.holder import cannot_work
from semblante.lifecycle import OPEN_STATES
from semblante.queue import QueueName
from semblante.services import Services
from semblante.tables import Chunk, Job

RESEND_AFTER = timedelta(minutes=10)
"""A chunk queued for longer is sent again even while other messages wait in the queue."""

log = structlog.get_logger()


def sweep(services: Services) -> None:
    """Re-send what lost its worker or its message, and settle jobs that nobody moves on."""
    empty = {queue for queue in ("classify", "control") if _is_empty(services, queue)}
    resend_lost_leases(services)
    with services.database.writing() as session:
        _resend_lost_messages(services, session, everything="classify" in empty)
        audit.forget_old(session, services.settings.audit_days)
        usage.forget_old(session)
        workers.forget_lost(session)
    with services.database.reading() as session:
        open_jobs = list(session.scalars(select(Job.id).where(Job.state.in_(OPEN_STATES))))
    for job_id in open_jobs:
        with services.database.writing() as session:
            _settle(services, session, job_id, resend="control" in empty)
    _send_due_webhooks(services, late_only="control" not in empty)
    _remove_abandoned_uploads(services)
    discard_unused(services.database, services.storage)


def resend_lost_leases(services: Services) -> None:
    """Send the chunks again whose process cannot work, or was silent for longer than its lease."""
    with services.database.writing() as session:
        leased = select(Chunk.lease_holder).where(Chunk.state == "leased").distinct()
        idle = [holder for holder in session.scalars(leased) if holder and cannot_work(holder)]
        lost = or_(Chunk.lease_until < leases.now(session), Chunk.lease_holder.in_(idle))
        query = select(Chunk).where(Chunk.state == "leased", lost)
        for chunk in session.scalars(query.with_for_update(skip_locked=True)):
            log.info(
                "lease lost", job_id=chunk.job_id, first=chunk.first, holder=chunk.lease_holder
            )
            chunks.send(session, services.queue, chunk)


def _is_empty(services: Services, queue: QueueName) -> bool:
    try:
        return services.queue.depth(queue) == 0
    except Unavailable:
        return False


def _resend_lost_messages(services: Services, session: Session, *, everything: bool) -> None:
    """An empty queue has no message of any chunk that the database says is queued."""
    age = timedelta(seconds=services.settings.sweep_seconds) if everything else RESEND_AFTER
    query = select(Chunk).where(Chunk.state == "queued", Chunk.queued_at < datetime.now(UTC) - age)
    for chunk in session.scalars(query.with_for_update(skip_locked=True)):
        log.info("message lost", job_id=chunk.job_id, first=chunk.first)
        chunks.send(session, services.queue, chunk)


def _settle(services: Services, session: Session, job_id: str, *, resend: bool) -> None:
    job = session.get(Job, job_id, with_for_update=True)
    if job is None:
        return
    if resend:
        steps.resend(session, services.queue, job)
    chunks.queue_window(session, services.queue, job, services.settings.window_chunks)
    jobs.finish_when_done(session, services.queue, job)
    jobs.settle_cancelled(session, job)


def _send_due_webhooks(services: Services, *, late_only: bool) -> None:
    """While messages wait, those that are due just now may be among them."""
    before = datetime.now(UTC) - (RESEND_AFTER if late_only else timedelta(0))
    with services.database.reading() as session:
        due = webhooks.due(session, before)
    for event_id in due:
        services.queue.send(webhooks.TASK, event_id=event_id)


def _remove_abandoned_uploads(services: Services) -> None:
    with services.database.writing() as session:
        gone = uploads.abandoned(session, services.settings.upload_expiry_hours)
        for upload in gone:
            session.delete(upload)
    for upload in gone:
        services.storage.delete(upload.storage_key)
