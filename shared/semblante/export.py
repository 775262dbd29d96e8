"""Results as files: CSV and JSON lines, streamed from the database (DESIGN section 6)."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from semblante import results
from semblante.csv_line import CsvLines, quoted
from semblante.emotions import Language
from semblante.tables import Job

BEFORE_CLASSES = ("image_path", "face_id", "status", "error_code", "emotion", "confidence")
AFTER_CLASSES = (
    "face_x",
    "face_y",
    "face_w",
    "face_h",
    "face_confidence",
    "width",
    "height",
    "sha256",
    "model",
)
LINES_PER_BLOCK = 1000


def csv_header(job: Job) -> list[str]:
    """Return the CSV's columns: fixed ones around one per class of the job's model."""
    return [*BEFORE_CLASSES, *(item["id"] for item in job.classes), *AFTER_CLASSES]


def csv_blocks(
    session: Session, job: Job, *, language: Language = "en", status: str | None = None
) -> Iterator[bytes]:
    """Yield the CSV (UTF-8, RFC 4180) in blocks; memory does not grow with the job.

    Args:
        session: A reading transaction.
        job: The job.
        language: Of the values of `emotion`; the header never changes.
        status: Only rows of this status (`failed` for errors.csv).
    """
    yield (",".join(map(quoted, csv_header(job))) + "\r\n").encode()
    lines_of = CsvLines(job.model, {item["id"]: item[language] for item in job.classes})
    for rows in results.read_blocks(session, job.id, status=status):
        yield lines_of(rows).encode()


def json_lines(session: Session, job: Job, *, status: str | None = None) -> Iterator[bytes]:
    """Yield one JSON object per row, with the CSV's columns as keys, in blocks of lines."""
    lines: list[str] = []
    for row in results.read(session, job.id, status=status):
        lines.append(json.dumps(row_to_dict(row, job), ensure_ascii=False) + "\n")
        if len(lines) == LINES_PER_BLOCK:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def row_to_dict(row: Row[*tuple[Any, ...]], job: Job) -> dict[str, Any]:
    """Return a row as JSON shows it: typed values, null where a field does not apply."""
    values = row._asdict()
    values["image_path"] = values.pop("path")
    probabilities = unpack_probabilities(values.pop("probabilities"))
    classes = [item["id"] for item in job.classes]
    values["probabilities"] = (
        {name: round(value, 4) for name, value in zip(classes, probabilities, strict=True)}
        if probabilities is not None
        else None
    )
    if values["confidence"] is not None:
        values["confidence"] = round(values["confidence"], 4)
    values["sha256"] = row.sha256.hex() if row.sha256 else None
    values["model"] = job.model
    del values["image_index"]
    return values


def unpack_probabilities(packed: bytes | None) -> array[float] | None:
    """Return the float32 values that a result row stores, one per class."""
    if packed is None:
        return None
    values = array("f")
    values.frombytes(packed)
    return values
