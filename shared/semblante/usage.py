"""What each owner has taken on a day (UTC): jobs, bytes and images; deleting gives nothing back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from semblante.tables import Usage
from semblante.upsert import insert_into

KEPT_DAYS = 90


def add(
    session: Session, owner: str, *, jobs: int = 0, size_bytes: int = 0, images: int = 0
) -> None:
    """Add to what `owner` has taken today, in the transaction that takes it."""
    row = insert_into(session, Usage).values(
        owner=owner, day=_day(datetime.now(UTC)), jobs=jobs, bytes=size_bytes, images=images
    )
    sums = {
        "jobs": Usage.jobs + row.excluded.jobs,
        "bytes": Usage.bytes + row.excluded.bytes,
        "images": Usage.images + row.excluded.images,
    }
    session.execute(row.on_conflict_do_update(index_elements=["owner", "day"], set_=sums))


def of_today(session: Session, owner: str) -> Usage:
    """Return what `owner` has taken today."""
    day = _day(datetime.now(UTC))
    found = session.get(Usage, (owner, day))
    return found or Usage(owner=owner, day=day, jobs=0, bytes=0, images=0)


def seconds_to_tomorrow() -> int:
    """Return the time until every owner begins anew."""
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((midnight - now).total_seconds()) + 1


def forget_old(session: Session) -> None:
    """Delete the rows that nobody asks for any more."""
    before = _day(datetime.now(UTC) - timedelta(days=KEPT_DAYS))
    session.execute(delete(Usage).where(Usage.day < before))


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
