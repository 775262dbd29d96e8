"""Two jobs over the same upload: which ones there are, and the faces on which they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session, aliased

from semblante import results
from semblante.cursor import cursor_of, parse_cursor
from semblante.errors import Refused
from semblante.tables import Job, Result

MOST_SIBLINGS = 50


class Pair(NamedTuple):
    """A label of the one job and of the other; None means any."""

    mine: str | None = None
    theirs: str | None = None


@dataclass(frozen=True)
class Disagreements:
    """Rows of the one job with the label of the other; the cursor behind them if there are more."""

    faces: list[tuple[Row[*tuple[Any, ...]], str]]
    after: str | None


def siblings(session: Session, job: Job) -> list[Job]:
    """Return the other completed jobs over the upload of `job`, the newest first."""
    query = select(Job).where(
        Job.upload_id == job.upload_id, Job.id != job.id, Job.state == "completed"
    )
    return list(session.scalars(query.order_by(Job.id.desc()).limit(MOST_SIBLINGS)))


def check_comparable(job: Job, other: Job) -> None:
    """Refuse jobs over different uploads: `invalid_request`."""
    if job.upload_id != other.upload_id:
        raise Refused("invalid_request", "Only jobs over the same upload can be compared.")


def disagreements(
    session: Session,
    job: Job,
    other: Job,
    pair: Pair,
    *,
    after: str | None = None,
    limit: int = 50,
) -> Disagreements:
    """Return faces that both labelled, differently unless `pair` names one label, in archive order.

    Raises:
        Refused: `invalid_request`, when `after` is no cursor of this list.
    """
    theirs = aliased(Result)
    place = tuple_(Result.image_index, Result.face_id)
    query = (
        results.rows_of(job.id)
        .add_columns(theirs.emotion.label("other_emotion"))
        .join(
            theirs,
            (theirs.image_index == Result.image_index) & (theirs.face_id == Result.face_id),
        )
        .where(theirs.job_id == other.id, theirs.emotion.is_not(None))
        .order_by(Result.image_index, Result.face_id)
        .limit(limit + 1)
    )
    query = query.where(Result.emotion == pair.mine if pair.mine else Result.emotion.is_not(None))
    if pair.theirs:
        query = query.where(theirs.emotion == pair.theirs)
    if not (pair.mine and pair.theirs):
        query = query.where(Result.emotion != theirs.emotion)
    if (cursor := parse_cursor(after)) is not None:
        query = query.where(place > cursor)
    found = list(session.execute(query))
    faces = [(row, row.other_emotion) for row in found[:limit]]
    return Disagreements(faces, cursor_of(faces[-1][0]) if len(found) > limit else None)
