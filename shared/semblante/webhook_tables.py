"""The tables of webhooks: what is told, what was tried, what signs it. See `webhooks.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from semblante.message import Message
from semblante.table_base import Table

EventState = Literal["pending", "delivered", "given_up"]


class WebhookSecret(Table):
    """What signs the webhooks of an owner; kept as it is, since both sides must know it."""

    __tablename__ = "webhook_secrets"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class WebhookEvent(Table):
    """The end of a job, to be told to its webhook: written with the state, delivered later."""

    __tablename__ = "webhook_events"
    __table_args__ = (Index(None, "state", "next_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    type: Mapped[str] = mapped_column(String(32))
    url: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    """JSON, the same for each attempt."""
    state: Mapped[EventState] = mapped_column(String(16), default="pending")
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    """When it is tried next; put off while a worker tries, so that no other one does."""


class WebhookAttempt(Table):
    """One delivery that was tried."""

    __tablename__ = "webhook_attempts"

    event_id: Mapped[str] = mapped_column(ForeignKey("webhook_events.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """Counted from 1."""
    at: Mapped[datetime]
    seconds: Mapped[float]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    """Of the answer; None when none came."""
    error: Mapped[Message | None]
    """Why no answer came."""
