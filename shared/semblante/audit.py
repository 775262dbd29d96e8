"""The log of what people did: who, from where, what, to what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from semblante.identifiers import new_id
from semblante.tables import AuditEntry


def record(session: Session, actor: str, address: str, action: str, subject: str = "") -> None:
    """Add an entry in the transaction that does what it tells."""
    session.add(
        AuditEntry(
            id=new_id(),
            at=datetime.now(UTC),
            actor=actor,
            address=address,
            action=action,
            subject=subject,
        )
    )


def newest(session: Session, *, after: str | None = None, limit: int = 50) -> list[AuditEntry]:
    """Return up to `limit` entries, newest first, behind the entry `after`."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if after is not None:
        query = query.where(AuditEntry.id < after)
    return list(session.scalars(query))


def forget_old(session: Session, days: float) -> None:
    """Delete the entries that are older than `days`."""
    before = datetime.now(UTC) - timedelta(days=days)
    session.execute(delete(AuditEntry).where(AuditEntry.at < before))
