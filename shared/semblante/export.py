"""Results as files: CSV and JSON lines, streamed from the database (DESIGN section 6)."""

from __future__ import annotations

import csv
import io
import json
from array import array
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from semblante import results
from semblante.csv_table import guard_formula
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
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(csv_header(job))
    names = {item["id"]: item[language] for item in job.classes}
    blanks = [""] * len(job.classes)
    for number, row in enumerate(results.read(session, job.id, status=status), 1):
        writer.writerow(_csv_row(row, job.model, names, blanks))
        if number % LINES_PER_BLOCK == 0:
            yield _drain(buffer)
    yield _drain(buffer)


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


def _csv_row(
    row: Row[*tuple[Any, ...]], model: str, names: dict[str, str], blanks: list[str]
) -> list[Any]:
    (
        path,
        _index,
        face_id,
        status,
        error_code,
        emotion,
        confidence,
        packed,
        face_x,
        face_y,
        face_w,
        face_h,
        face_confidence,
        width,
        height,
        sha256,
    ) = row
    probabilities = unpack_probabilities(packed)
    return [
        guard_formula(path),
        face_id,
        status,
        error_code,
        names[emotion] if emotion is not None else "",
        _decimals(confidence),
        *(blanks if probabilities is None else [f"{value:.4f}" for value in probabilities]),
        face_x,
        face_y,
        face_w,
        face_h,
        _decimals(face_confidence),
        width,
        height,
        sha256.hex() if sha256 else "",
        guard_formula(model),
    ]


def _decimals(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _drain(buffer: io.StringIO) -> bytes:
    block = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return block
