"""Webhooks over HTTP: what was told about a job, and what signs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask_babel import gettext
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from semblante import jobs, webhooks
from semblante.webhook_tables import EventState, WebhookAttempt, WebhookEvent
from semblante_web.access import identity, record, require
from semblante_web.current import services
from semblante_web.openapi_problems import problems

blueprint = APIBlueprint("webhooks", __name__, url_prefix="/api/v1", tag="Webhooks")


class AttemptView(BaseModel):
    """A delivery that was tried."""

    at: datetime
    seconds: float = Field(description="How long it took.")
    status: int | None = Field(description="Of the receiver's answer; 2xx means that it took it.")
    error: str | None = Field(description="Why there was no answer.")


class EventView(BaseModel):
    """The end of a job, told to its webhook."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="The header `webhook-id`, the same for each attempt.")
    type: str = Field(description="`job.completed`, `job.failed` or `job.cancelled`.")
    url: str
    state: EventState
    created_at: datetime
    next_at: datetime | None = Field(description="When it is tried next; null if never.")
    attempts: list[AttemptView]


class EventList(BaseModel):
    """The events of a job, oldest first."""

    items: list[EventView]


class SecretView(BaseModel):
    """What signs the webhooks of an owner's jobs."""

    secret: str = Field(description="`whsec_` and base64, as libraries for the scheme take it.")


@blueprint.get("/jobs/<job_id>/webhooks")
@blueprint.output(EventList)
@blueprint.doc(operation_id="listWebhookEvents", responses=problems("job_not_found"))
def list_events(job_id: str) -> EventList:
    """List what was told to the job's webhook, with every attempt."""
    with services().database.reading() as session:
        jobs.get(session, job_id)
        return EventList(items=event_views(session, job_id))


@blueprint.post("/jobs/<job_id>/webhooks/<event_id>/resend")
@blueprint.output(EventView, status_code=202)
@blueprint.doc(
    operation_id="resendWebhookEvent", responses=problems("job_not_found", "event_not_found")
)
def resend(job_id: str, event_id: str) -> EventView:
    """Deliver an event once more, now."""
    return send_again(job_id, event_id)


@blueprint.get("/webhooks/secret")
@blueprint.output(SecretView)
@blueprint.doc(operation_id="getWebhookSecret")
def show_secret() -> SecretView:
    """Show what signs the webhooks of the sender's jobs; not to keys that may only read."""
    return SecretView(secret=own_secret())


@blueprint.post("/webhooks/secret")
@blueprint.output(SecretView)
@blueprint.doc(operation_id="replaceWebhookSecret")
def replace_secret() -> SecretView:
    """Make another secret: all that is sent from now on is signed by it."""
    return SecretView(secret=replace_own_secret())


def send_again(job_id: str, event_id: str) -> EventView:
    """Have an event delivered once more and return it; raises NotFound."""
    with services().database.writing() as session:
        jobs.get(session, job_id)
        event = webhooks.resend(session, job_id, event_id)
        record(session, "webhook_resend", f"{job_id} {event_id}")
        attempts = [tried for one, tried in webhooks.events(session, job_id) if one is event]
        return _view(event, attempts[0])


def own_secret() -> str:
    """Return the secret of the sender; raises Forbidden for one who may only read."""
    require("submit")
    with services().database.writing() as session:
        return webhooks.secret_of(session, identity().owner)


def replace_own_secret() -> str:
    """Replace the secret of the sender and return the new one."""
    with services().database.writing() as session:
        record(session, "webhook_secret", identity().owner)
        return webhooks.replace_secret(session, identity().owner)


def event_views(session: Session, job_id: str) -> list[EventView]:
    """Return the events of a job as they are shown."""
    return [_view(event, tried) for event, tried in webhooks.events(session, job_id)]


def _view(event: WebhookEvent, attempts: Sequence[WebhookAttempt]) -> EventView:
    fields: dict[str, Any] = {
        name: getattr(event, name) for name in ("id", "type", "url", "state", "created_at")
    }
    return EventView(
        **fields,
        next_at=event.next_at if event.state == "pending" else None,
        attempts=[_attempt_view(one) for one in attempts],
    )


def _attempt_view(attempt: WebhookAttempt) -> AttemptView:
    return AttemptView(
        at=attempt.at,
        seconds=attempt.seconds,
        status=attempt.status,
        error=attempt.error.told(gettext) if attempt.error else None,
    )
