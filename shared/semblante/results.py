"""Result rows: written once per chunk, read back in archive order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from semblante import bulk
from semblante.histogram import bin_of
from semblante.tables import ConfidenceCount, EmotionCount, Image, Job, Result

READ_ROWS = 2_000


class ResultRow(NamedTuple):
    """One row as a worker makes it; fields that do not apply are None.

    `probabilities` are little-endian float32, one per class of the model, summing to 1.
    """

    image_index: int
    face_id: int
    status: str
    error_code: str | None = None
    emotion: str | None = None
    confidence: float | None = None
    probabilities: bytes | None = None
    face_x: int | None = None
    face_y: int | None = None
    face_w: int | None = None
    face_h: int | None = None
    face_confidence: float | None = None
    width: int | None = None
    height: int | None = None
    sha256: bytes | None = None


@dataclass(frozen=True)
class Tally:
    """What some rows add to a job's counters: images by status; faces, by emotion and by bin."""

    images: Counter[str] = field(default_factory=Counter)
    faces: int = 0
    emotions: Counter[str] = field(default_factory=Counter)
    bins: Counter[int] = field(default_factory=Counter)


def tally(rows: Sequence[ResultRow]) -> Tally:
    """Count images (once each, at their first row) and faces."""
    return Tally(
        images=Counter(row.status for row in rows if row.face_id == 0),
        faces=sum(row.status == "ok" for row in rows),
        emotions=Counter(row.emotion for row in rows if row.emotion is not None),
        bins=Counter(bin_of(row.confidence) for row in rows if row.confidence is not None),
    )


def write(session: Session, job: Job, rows: Sequence[ResultRow], *, replaces_failed: bool) -> None:
    """Insert rows and add them to the job's counters; the job's row must be locked.

    Args:
        session: The transaction that also marks the chunk done.
        job: The job, locked, so that counters of parallel chunks add up.
        rows: All rows of the chunk's images that were worked on.
        replaces_failed: The images had a `failed` row before (a retry); those rows go.
    """
    if not rows:
        return
    if replaces_failed:
        indexes = {row.image_index for row in rows}
        session.execute(
            delete(Result).where(Result.job_id == job.id, Result.image_index.in_(indexes))
        )
        job.failed -= len(indexes)
    columns = ("job_id", *ResultRow._fields)
    bulk.insert_rows(session, Result, columns, [(job.id, *row) for row in rows])
    added = tally(rows)
    job.ok += added.images["ok"]
    job.no_face += added.images["no_face"]
    job.failed += added.images["failed"]
    job.faces += added.faces
    _add_faces(session, job.id, EmotionCount, EmotionCount.emotion, added.emotions)
    _add_faces(session, job.id, ConfidenceCount, ConfidenceCount.bin, added.bins)


def _add_faces(
    session: Session,
    job_id: str,
    table: type[EmotionCount | ConfidenceCount],
    column: InstrumentedAttribute[Any],
    added: Mapping[Any, int],
) -> None:
    """Add to the counters of a job, of which `table` has one for each value of `column`."""
    if not added:
        return
    wanted = (table.job_id == job_id) & (column == bindparam("value_counted"))
    statement = update(table).where(wanted).values(faces=table.faces + bindparam("more"))
    rows = [{"value_counted": value, "more": faces} for value, faces in sorted(added.items())]
    session.connection().execute(statement, rows)


def failed_indexes(session: Session, job_id: str, first: int, count: int) -> set[int]:
    """Return the images of a run whose row is `failed`."""
    query = select(Result.image_index).where(
        Result.job_id == job_id,
        Result.image_index >= first,
        Result.image_index < first + count,
        Result.status == "failed",
    )
    return set(session.scalars(query))


def rows_of_same(session: Session, job_id: str, first: int, count: int) -> list[ResultRow]:
    """Return the rows of earlier images that those of a run seem to repeat, one image per sha256.

    Only rows that are written already, and none that failed: those are tried again.
    """
    earlier = select(Image.same_as).where(
        Image.job_id == job_id,
        Image.index >= first,
        Image.index < first + count,
        Image.same_as < first,
    )
    query = select(*(getattr(Result, name) for name in ResultRow._fields)).where(
        Result.job_id == job_id, Result.image_index.in_(earlier), Result.status != "failed"
    )
    rows = [ResultRow(*values) for values in session.execute(query)]
    chosen: dict[bytes | None, int] = {}
    for row in rows:
        chosen.setdefault(row.sha256, row.image_index)
    return [row for row in rows if chosen[row.sha256] == row.image_index]


def emotion_counts(session: Session, job: Job) -> dict[str, int]:
    """Return faces per emotion, in the order of the model's classes."""
    query = select(EmotionCount.emotion, EmotionCount.faces).where(EmotionCount.job_id == job.id)
    found = {emotion: faces for emotion, faces in session.execute(query)}  # noqa: C416 (typed)
    return {item["id"]: found.get(item["id"], 0) for item in job.classes}


def error_counts(session: Session, job_id: str) -> dict[str, int]:
    """Return the failed images of a job by error code, the most frequent first."""
    images = func.count()
    query = (
        select(Result.error_code, images)
        .where(Result.job_id == job_id, Result.status == "failed")
        .group_by(Result.error_code)
        .order_by(images.desc(), Result.error_code)
    )
    return {code: count for code, count in session.execute(query) if code is not None}


def read(
    session: Session, job_id: str, *, status: str | None = None
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield (path, Result's columns...) in archive order, streamed: memory stays flat."""
    options = {"stream_results": True, "yield_per": READ_ROWS}
    yield from session.connection().execute(
        _in_archive_order(job_id, status), execution_options=options
    )


def read_blocks(
    session: Session, job_id: str, *, status: str | None = None
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what `read` does as lists of plain tuples, faster."""
    return bulk.read_blocks(session, _in_archive_order(job_id, status), READ_ROWS)


def _in_archive_order(job_id: str, status: str | None) -> Select[*tuple[Any, ...]]:
    query = rows_of(job_id)
    if status is not None:
        query = query.where(Result.status == status)
    return query.order_by(Result.image_index, Result.face_id)


def of_image(session: Session, job_id: str, index: int) -> list[Row[*tuple[Any, ...]]]:
    """Return all rows of one image, by face."""
    query = rows_of(job_id).where(Result.image_index == index).order_by(Result.face_id)
    return list(session.execute(query))


def rows_of(job_id: str) -> Select[*tuple[Any, ...]]:
    """Return the query of all rows of a job: (path, Result's columns...), in no order."""
    return (
        select(
            Image.path,
            Result.image_index,
            Result.face_id,
            Result.status,
            Result.error_code,
            Result.emotion,
            Result.confidence,
            Result.probabilities,
            Result.face_x,
            Result.face_y,
            Result.face_w,
            Result.face_h,
            Result.face_confidence,
            Result.width,
            Result.height,
            Result.sha256,
        )
        .join(Image, (Image.job_id == Result.job_id) & (Image.index == Result.image_index))
        .where(Result.job_id == job_id)
    )
