"""Lists of jobs, by owner, state and text, and what the listed jobs have together."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from semblante.lifecycle import State
from semblante.tables import Job

NOTE = "note"
"""The field of a job's metadata that people write on the page, and search."""


def newest(
    session: Session,
    *,
    owner: str | None = None,
    state: State | None = None,
    text: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return up to `limit` jobs, newest first, behind the job `after`; None means all owners."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    query = query.where(*_narrowed(owner, state, text))
    if after is not None:
        query = query.where(Job.id < after)
    return list(session.scalars(query))


class Sums(NamedTuple):
    """What several jobs have together."""

    jobs: int
    images: int
    faces: int
    failed: int
    size_bytes: int


def sums(
    session: Session,
    *,
    owner: str | None = None,
    state: State | None = None,
    text: str | None = None,
) -> Sums:
    """Return the sums of the jobs that `newest` lists page by page."""
    columns = (Job.total, Job.faces, Job.failed, Job.size_bytes)
    query = select(func.count(), *(func.coalesce(func.sum(column), 0) for column in columns))
    found = session.execute(query.where(*_narrowed(owner, state, text))).one()
    return Sums(*map(int, found))  # PostgreSQL sums to a Decimal


def _narrowed(
    owner: str | None, state: State | None, text: str | None
) -> list[ColumnElement[bool]]:
    """Return the conditions; `text` is part of a name or a note, whatever its letters' case."""
    conditions = []
    if owner is not None:
        conditions.append(Job.owner == owner)
    if state is not None:
        conditions.append(Job.state == state)
    if text:
        note = Job.note[NOTE].as_string()
        named = Job.filename.icontains(text, autoescape=True)
        conditions.append(or_(named, note.icontains(text, autoescape=True)))
    return conditions
