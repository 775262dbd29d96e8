"""Leases: one worker at a time works on a row, and a worker that died loses it.

Their time is the database's: a host whose clock is wrong would take work from others, or keep it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from semblante.holder import cannot_work, this_process
from semblante.tables import Leased


def now(session: Session) -> datetime:
    """Return the time by the clock that all workers share; SQLite's are all on one host."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    shared: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return shared


def is_free(session: Session, row: Leased) -> bool:
    """Whether nobody holds `row`: never leased, run out, or its holder cannot work."""
    if row.lease_token is None or row.lease_until is None or row.lease_holder is None:
        return True
    return cannot_work(row.lease_holder) or row.lease_until <= now(session)


def take(session: Session, row: Leased, seconds: float) -> str:
    """Lease `row` to this process for `seconds`; return the token that fences others off."""
    row.lease_token = str(uuid4())
    row.lease_holder = this_process()
    row.attempts += 1
    renew(session, row, seconds)
    return row.lease_token


def renew(session: Session, row: Leased, seconds: float) -> None:
    """Let the lease last `seconds` from now."""
    row.lease_until = now(session) + timedelta(seconds=seconds)


def give_back(row: Leased) -> None:
    """Free `row`."""
    row.lease_token = row.lease_holder = row.lease_until = None
