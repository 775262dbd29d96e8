"""Result rows by filter, in archive order or the least sure first, page by page.

Each page is found in an index alone, however large the job: one short run of the index for each
emotion that may occur, merged, and only then joined with the rows themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Subquery, exists, select, tuple_, union_all
from sqlalchemy.orm import Session

from semblante import results
from semblante.cursor import cursor_of, parse_cursor
from semblante.few_rows import few_rows, inside
from semblante.histogram import bin_of, confidence_counts
from semblante.tables import Correction, Folder, Job, Result, Truth

SORTED_AT_ONCE = 20_000
"""Rows of a run that are sorted rather than looked for in a longer run that is in order."""

Order = Literal["archive", "doubt"]
Status = Literal["ok", "no_face", "failed"]
Rows = list[Row[*tuple[Any, ...]]]


@dataclass(frozen=True)
class Filter:
    """Which rows; None means any. A bound of confidence leaves out rows without a label."""

    emotion: str | None = None
    status: Status | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    folder: str | None = None
    truth: str | None = None
    """The first faces of images of which a person's truth says this."""
    is_reviewed: bool | None = None

    @property
    def is_about_all(self) -> bool:
        """Whether rows of any outcome pass: folder, truth and review are looked up row by row."""
        return not self.is_about_labels and self.status is None

    @property
    def is_about_labels(self) -> bool:
        """Whether only labelled faces pass."""
        bounds = (self.emotion, self.min_confidence, self.max_confidence)
        return self.status == "ok" or any(bound is not None for bound in bounds)


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursor behind the last one if there are more."""

    rows: Rows
    after: str | None


def page(
    session: Session,
    job: Job,
    wanted: Filter,
    *,
    order: Order = "archive",
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Return up to `limit` rows behind the cursor `after`.

    The order `doubt` begins with the least confident label and leaves out rows without one.

    Raises:
        Refused: `invalid_request`, when `after` is no cursor of this order.
    """
    by_doubt = order == "doubt"
    cursor = parse_cursor(after, by_doubt)
    keys = _keys(session, job, wanted, by_doubt, cursor, limit + 1)
    if keys is None:
        return Page([], None)
    query = results.rows_of(job.id).join(
        keys,
        (keys.c.image_index == Result.image_index) & (keys.c.face_id == Result.face_id),
    )
    found = list(session.execute(query.order_by(*_order(Result, by_doubt))))
    rows = found[:limit]
    return Page(rows, cursor_of(rows[-1], by_doubt) if len(found) > limit else None)


def _keys(
    session: Session,
    job: Job,
    wanted: Filter,
    by_doubt: bool,
    cursor: tuple[float, ...] | None,
    limit: int,
) -> Subquery | None:
    """Return the query of the page's keys; None when no row can pass."""
    folder = None
    if wanted.folder is not None:
        folder = session.get(Folder, (job.id, wanted.folder))
        if folder is None:
            return None
    is_run = wanted.is_about_all and not by_doubt and (folder is None or folder.is_contiguous)
    if not (is_run and wanted.truth is None):
        few = few_rows(session, job.id, folder, wanted.truth)
        if few is not None:
            return _keys_of_few(few, job, wanted, by_doubt, cursor, limit)
    conditions = _conditions(Result, job, wanted, by_doubt, cursor)
    if folder is not None:
        conditions += inside(Result, folder)
    order = _order(Result, by_doubt)
    keys = select(Result.image_index, Result.face_id, Result.confidence).where(*conditions)
    if wanted.is_about_all and not by_doubt:
        return keys.order_by(*order).limit(limit).subquery()
    # Few of the labels are this sure: they are found by their confidence, and sorted afterwards.
    by_confidence = by_doubt or _is_selective(session, job, wanted)
    runs = _runs(job, wanted, by_confidence)
    if not runs:
        return None
    # PostgreSQL sees that the index is in order only when the constant columns are named, too.
    constant = (Result.emotion,) if by_confidence else (Result.status, Result.emotion)
    keys = keys.order_by(*constant, *_order(Result, by_confidence))
    keys = keys.limit(limit if by_confidence == by_doubt else SORTED_AT_ONCE)
    parts = [select(keys.where(*run).subquery()) for run in runs]
    merged = (union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
    return select(merged).order_by(*_order(merged.c, by_doubt)).limit(limit).subquery()


def _keys_of_few(
    rows: Any,
    job: Job,
    wanted: Filter,
    by_doubt: bool,
    cursor: tuple[float, ...] | None,
    limit: int,
) -> Subquery:
    """Return the query of the page's keys among `rows`, which are few enough to be sorted."""
    conditions = _conditions(rows, job, wanted, by_doubt, cursor)
    if wanted.status is not None:
        conditions.append(rows.status == wanted.status)
    if wanted.emotion is not None:
        conditions.append(rows.emotion == wanted.emotion)
    if by_doubt:
        conditions.append(rows.confidence.is_not(None))
    keys = select(rows.image_index, rows.face_id, rows.confidence).where(*conditions)
    return keys.order_by(*_order(rows, by_doubt)).limit(limit).subquery()


def _conditions(
    rows: Any, job: Job, wanted: Filter, by_doubt: bool, cursor: tuple[float, ...] | None
) -> list[ColumnElement[bool]]:
    """Return what `rows` must fulfil besides folder, status and emotion."""
    conditions: list[ColumnElement[bool]] = [rows.job_id == job.id]
    if wanted.min_confidence is not None:
        conditions.append(rows.confidence >= wanted.min_confidence)
    if wanted.max_confidence is not None:
        conditions.append(rows.confidence <= wanted.max_confidence)
    if cursor is not None:
        conditions.append(tuple_(*_order(rows, by_doubt)) > cursor)
    if wanted.truth is not None:
        conditions += [rows.face_id == 0, _truth_of(rows, wanted.truth)]
    if wanted.is_reviewed is not None:
        reviewed = _correction_of(rows)
        conditions.append(reviewed if wanted.is_reviewed else ~reviewed)
    return conditions


def _truth_of(rows: Any, emotion: str) -> ColumnElement[bool]:
    return exists().where(
        Truth.job_id == rows.job_id,
        Truth.image_index == rows.image_index,
        Truth.emotion == emotion,
    )


def _correction_of(rows: Any) -> ColumnElement[bool]:
    return exists().where(
        Correction.job_id == rows.job_id,
        Correction.image_index == rows.image_index,
        Correction.face_id == rows.face_id,
    )


def _is_selective(session: Session, job: Job, wanted: Filter) -> bool:
    if wanted.min_confidence is None and wanted.max_confidence is None:
        return False
    low, high = (
        bin_of(wanted.min_confidence or 0.0),
        bin_of(1.0 if wanted.max_confidence is None else wanted.max_confidence),
    )
    counts = confidence_counts(session, job.id)
    return bool(counts) and sum(counts[low : high + 1]) <= SORTED_AT_ONCE


def _runs(job: Job, wanted: Filter, by_confidence: bool) -> list[list[ColumnElement[bool]]]:
    """Return the conditions of the runs of the index that together hold what is wanted."""
    if not by_confidence and not wanted.is_about_labels:
        return [[Result.status == wanted.status, Result.emotion.is_(None)]]
    if wanted.status not in (None, "ok"):
        return []
    emotions = [item["id"] for item in job.classes]
    if wanted.emotion is not None:
        emotions = [emotion for emotion in emotions if emotion == wanted.emotion]
    if by_confidence:
        return [[Result.emotion == emotion] for emotion in emotions]
    return [[Result.status == "ok", Result.emotion == emotion] for emotion in emotions]


def _order(columns: Any, by_doubt: bool) -> tuple[ColumnElement[Any], ...]:
    archive = (columns.image_index, columns.face_id)
    return (columns.confidence, *archive) if by_doubt else archive
