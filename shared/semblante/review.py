"""What people say about faces, the least sure label first: one correction per face."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.orm import Session

from semblante.cursor import parse_cursor, place_cursor
from semblante.errors import NotFound, Refused
from semblante.gallery import Filter, page
from semblante.tables import Correction, Image, Job, Result
from semblante.upsert import insert_into

MOST_INDEX, MOST_FACE = 2**62, 2**15


class Place(NamedTuple):
    """A face of a job."""

    image_index: int
    face_id: int

    @property
    def is_possible(self) -> bool:
        """Whether the database can hold these numbers."""
        return 0 <= self.image_index < MOST_INDEX and 0 <= self.face_id < MOST_FACE


def next_face(session: Session, job: Job) -> Row[*tuple[Any, ...]] | None:
    """Return the row of the least sure face that nobody has reviewed; None when all are."""
    rows = page(session, job, Filter(is_reviewed=False), order="doubt", limit=1).rows
    return rows[0] if rows else None


def correct(session: Session, job: Job, place: Place, emotion: str | None) -> None:
    """Keep what a person says about a face; None when nobody could say.

    Raises:
        NotFound: `image_not_found`, when the job has no such labelled face.
        Refused: `unknown_class`.
    """
    row = session.get(Result, (job.id, *place)) if place.is_possible else None
    if row is None or row.emotion is None:
        raise NotFound(
            "image_not_found",
            "The job has no labelled face %(face_id)s there.",
            face_id=place.face_id,
        )
    if emotion is not None and emotion not in [item["id"] for item in job.classes]:
        raise Refused(
            "unknown_class", "There is no class %(emotion)r in the job's model.", emotion=emotion
        )
    said = insert_into(session, Correction).values(
        job_id=job.id, **place._asdict(), emotion=emotion, corrected_at=datetime.now(UTC)
    )
    newer = {"emotion": said.excluded.emotion, "corrected_at": said.excluded.corrected_at}
    # Two people may review the same face at once: the later one's word stays.
    update = said.on_conflict_do_update(index_elements=["job_id", *Place._fields], set_=newer)
    session.execute(update)


def newest(session: Session, job_id: str) -> Place | None:
    """Return the face that was corrected last; None when none was."""
    query = select(Correction.image_index, Correction.face_id).where(Correction.job_id == job_id)
    found = session.execute(query.order_by(Correction.corrected_at.desc()).limit(1)).first()
    return Place(*found) if found is not None else None


def undo(session: Session, job: Job, place: Place | None = None) -> Place | None:
    """Take the correction of a face back, or the newest one; return its face, None without one."""
    wanted = place or newest(session, job.id)
    return wanted if wanted is not None and remove(session, job.id, wanted) else None


def remove(session: Session, job_id: str, place: Place) -> bool:
    """Take the correction of a face back; False when there is none."""
    found = session.get(Correction, (job_id, *place)) if place.is_possible else None
    if found is not None:
        session.delete(found)
    return found is not None


def corrections(
    session: Session, job_id: str, *, after: str | None = None, limit: int = 50
) -> tuple[list[Correction], str | None]:
    """Return up to `limit` corrections in archive order, and the cursor behind them if any.

    Raises:
        Refused: `invalid_request`, when `after` is no cursor of this list.
    """
    query = select(Correction).where(Correction.job_id == job_id)
    if (cursor := parse_cursor(after)) is not None:
        query = query.where(tuple_(Correction.image_index, Correction.face_id) > cursor)
    place = (Correction.image_index, Correction.face_id)
    found = list(session.scalars(query.order_by(*place).limit(limit + 1)))
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], place_cursor(last.image_index, last.face_id) if last else None


def count(session: Session, job_id: str) -> int:
    """Return how many faces of a job were reviewed."""
    query = select(func.count()).select_from(Correction).where(Correction.job_id == job_id)
    return session.scalar(query) or 0


def reviewed(session: Session, job_id: str) -> Iterator[tuple[Image, Result, str]]:
    """Yield image, row and corrected emotion of each face that has one, in archive order."""
    query = (
        select(Image, Result, Correction.emotion)
        .join(Result, (Result.job_id == Image.job_id) & (Result.image_index == Image.index))
        .join(
            Correction,
            (Correction.job_id == Result.job_id)
            & (Correction.image_index == Result.image_index)
            & (Correction.face_id == Result.face_id),
        )
        .where(Correction.job_id == job_id, Correction.emotion.is_not(None))
        .order_by(Result.image_index, Result.face_id)
    )
    for image, row, emotion in session.execute(query):
        if emotion is not None:
            yield image, row, emotion
