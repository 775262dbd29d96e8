"""What the images of a job really show: from a person's table, or from the archive's folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from semblante.class_names import ClassNames
from semblante.csv_table import read_table
from semblante.emotions import Emotion
from semblante.errors import Refused
from semblante.tables import Image, Job, Truth
from semblante.truth_table import read_truth

ROWS_AT_ONCE = 10_000


class Attached(NamedTuple):
    """Images that have a truth now, and rows of the table that name no image of the job."""

    images: int
    unknown: int = 0


class Labels(NamedTuple):
    """A person's table: its name, for messages, and the emotion of each image path."""

    name: str
    emotions: Mapping[str, str]


def read_labels(job: Job, lines: Iterable[str], name: str) -> Labels:
    """Read a CSV with `image_path` and `emotion`; it takes seconds where they are a million.

    Args:
        job: The job, whose classes it names.
        lines: The table's lines; more columns are ignored.
        name: The table's, for messages.

    Raises:
        Refused: see `read_truth`.
    """
    names, classes = _names(job)
    found = read_truth(read_table(lines, name), name, names)
    return Labels(name, {path: classes[number] for path, number in found.items()})


def attach_labels(session: Session, job: Job, labels: Labels) -> Attached:
    """Take the truth from a person's table, in the place of an earlier one.

    Raises:
        Refused: `nothing_to_measure`, when no row names an image of the job.
    """
    images = _replace(session, job, labels.emotions.get)
    if images == 0:
        raise Refused(
            "nothing_to_measure", "No image_path of %(name)s is in the job.", name=labels.name
        )
    return Attached(images, max(len(labels.emotions) - images, 0))


def attach_folders(session: Session, job: Job) -> Attached:
    """Take the nearest folder above each image that names a class as its truth.

    Raises:
        Refused: `nothing_to_measure`, when no folder does.
    """
    names, classes = _names(job)

    def truth_of(path: str) -> str | None:
        for folder in reversed(path.split("/")[:-1]):
            if names.knows(folder):
                return classes[names.find(folder, path)]
        return None

    images = _replace(session, job, truth_of)
    if images == 0:
        raise Refused(
            "nothing_to_measure",
            "No folder of the job names a class: %(classes)s, or 1 to 7 as in RAF-DB.",
            classes=", ".join(classes),
        )
    return Attached(images)


def detach(session: Session, job: Job) -> None:
    """Forget the truth of a job; without one this is no error."""
    session.execute(delete(Truth).where(Truth.job_id == job.id))


def count(session: Session, job_id: str) -> int:
    """Return how many images of a job have a truth."""
    query = select(func.count()).select_from(Truth).where(Truth.job_id == job_id)
    return session.scalar(query) or 0


def _names(job: Job) -> tuple[ClassNames, list[str]]:
    return ClassNames([Emotion(**item) for item in job.classes]), [one["id"] for one in job.classes]


def _replace(session: Session, job: Job, truth_of: Callable[[str], str | None]) -> int:
    """Write the truth of each image of the job that has one; return how many have."""
    session.refresh(job, with_for_update=True)  # two truths at once take turns
    detach(session, job)
    images = 0
    for group in _groups(session, job.id):
        rows = [
            {"job_id": job.id, "image_index": index, "emotion": emotion}
            for index, path in group
            if (emotion := truth_of(path)) is not None
        ]
        if rows:
            session.execute(insert(Truth), rows)
            images += len(rows)
    return images


def _groups(session: Session, job_id: str) -> Iterator[list[Any]]:
    query = select(Image.index, Image.path).where(Image.job_id == job_id).order_by(Image.index)
    rows = iter(session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)))
    while group := list(islice(rows, ROWS_AT_ONCE)):
        yield group
