"""Labels against a truth, or against another job's labels, counted per pair of classes.

The web computes these few figures itself; `semblante evaluate` adds intervals and calibration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from semblante.tables import Job, Result, Truth

Pair = tuple[str, str]
"""A row's class and a column's; a column may also be the status of an image without a label."""
UNLABELLED = ("no_face", "failed")


@dataclass(frozen=True)
class Confusion:
    """Images, or faces, per pair of a row's class and a column's."""

    rows: Sequence[str]
    columns: Sequence[str]
    counts: Mapping[Pair, int]

    def at(self, row: str, column: str) -> int:
        """Return the count of a cell."""
        return self.counts.get((row, column), 0)

    @property
    def total(self) -> int:
        """All that was compared."""
        return sum(self.counts.values())

    @property
    def agreement(self) -> float | None:
        """The share on the diagonal: the accuracy where the rows are a truth."""
        return _ratio(sum(self.at(row, row) for row in self.rows), self.total)

    def support(self, row: str) -> int:
        """Return how many there are in a row."""
        return sum(self.at(row, column) for column in self.columns)

    def recall(self, row: str) -> float | None:
        """Return the share of a row's class with its label; None where it has none."""
        return _ratio(self.at(row, row), self.support(row))

    def precision(self, row: str) -> float | None:
        """Return the share of a label that is right; None where it was never given."""
        return _ratio(self.at(row, row), sum(self.at(other, row) for other in self.rows))

    @property
    def mean_recall(self) -> float | None:
        """The mean over the classes that have images."""
        defined = [value for row in self.rows if (value := self.recall(row)) is not None]
        return _ratio(sum(defined), len(defined))


def against_truth(session: Session, job: Job) -> Confusion:
    """Compare the label of each image's first face with its truth, which are the rows."""
    label = func.coalesce(Result.emotion, Result.status)
    query = (
        select(Truth.emotion, label, func.count())
        .join(Result, (Result.job_id == Truth.job_id) & (Result.image_index == Truth.image_index))
        .where(Truth.job_id == job.id, Result.face_id == 0)
        .group_by(Truth.emotion, label)
    )
    counts = {(truth, label): images for truth, label, images in session.execute(query)}
    classes = [item["id"] for item in job.classes]
    without = [status for status in UNLABELLED if any(label == status for _, label in counts)]
    return Confusion(classes, [*classes, *without], counts)


def against_job(session: Session, job: Job, other: Job) -> Confusion:
    """Compare the faces that two jobs over one upload both labelled; rows are those of `job`.

    A face is the same where image and face_id are: jobs that searched for faces differently
    compare by the largest face, the next one, and so on.
    """
    theirs = aliased(Result)
    query = (
        select(Result.emotion, theirs.emotion, func.count())
        .join(
            theirs,
            (theirs.image_index == Result.image_index) & (theirs.face_id == Result.face_id),
        )
        .where(
            Result.job_id == job.id,
            theirs.job_id == other.id,
            Result.emotion.is_not(None),
            theirs.emotion.is_not(None),
        )
        .group_by(Result.emotion, theirs.emotion)
    )
    counts: dict[Pair, int] = {
        (mine, label): faces for mine, label, faces in session.execute(query) if mine and label
    }
    rows = [item["id"] for item in job.classes]
    return Confusion(rows, [item["id"] for item in other.classes], counts)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
