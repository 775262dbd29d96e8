"""Deliver: tell a job's end to its webhook, signed by the Standard Webhooks scheme."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import structlog
from standardwebhooks.webhooks import Webhook

from semblante import webhooks
from semblante.errors import Refused
from semblante.guarded_request import FAILURES, guarded_pool, parse, request_to
from semblante.message import Message
from semblante.services import Services
from semblante.tables import Job
from semblante.webhook_tables import WebhookEvent
from semblante.webhooks import Attempt

CLAIM_EXTRA_SECONDS = 15.0
"""Longer than a delivery may take: after it, one that ended its worker is tried again."""
MOST_AT_ONCE = 4
_slots = threading.Semaphore(MOST_AT_ONCE)
log = structlog.get_logger()


def deliver_beside(services: Services, event_id: str) -> None:
    """Deliver in a thread: a slow receiver must not keep this process from labelling.

    Nothing is lost when it cannot, or ends with the process: the sweep finds what is due.
    """
    if not _slots.acquire(blocking=False):
        return

    def run() -> None:
        try:
            deliver_event(services, event_id)
        finally:
            _slots.release()

    threading.Thread(target=run, name=f"deliver {event_id}", daemon=True).start()


def deliver_event(services: Services, event_id: str) -> None:
    """Try to deliver an event that is due, and keep what came of it."""
    settings = services.settings
    with services.database.writing() as session:
        event = webhooks.claim(session, event_id, settings.webhook_seconds + CLAIM_EXTRA_SECONDS)
        if event is None:
            return
        secret = webhooks.secret_of(session, session.get_one(Job, event.job_id).owner)
    attempt = _try(services, event, secret)
    with services.database.writing() as session:
        settled = webhooks.settle(session, event_id, attempt, settings.webhook_retries)
    state = settled.state if settled is not None else "deleted"
    log.info(
        "webhook",
        job_id=event.job_id,
        event_id=event_id,
        status=attempt.status,
        error=str(attempt.error) if attempt.error else None,
        state=state,
    )


def _try(services: Services, event: WebhookEvent, secret: str) -> Attempt:
    """Send the event; redirects are not followed, and the answer's body is not read."""
    settings = services.settings
    began, clock = datetime.now(UTC), time.monotonic()
    status: int | None = None
    error: Message | None = None
    try:
        request = request_to(
            parse(event.url), "POST", _headers(event, secret, began), event.body.encode()
        )
        with guarded_pool(settings.url_networks, settings.webhook_seconds) as pool:
            response = pool.handle_request(request)
            status = response.status
            response.close()
    except Refused as refusal:
        error = Message("%(code)s: %(reason)s", code=refusal.code, reason=refusal.said)
    except FAILURES as failure:
        error = Message("%(kind)s: %(reason)s", kind=type(failure).__name__, reason=failure)
    return Attempt(began, round(time.monotonic() - clock, 3), status, error)


def _headers(event: WebhookEvent, secret: str, moment: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(event.id, moment, event.body),
    }
