"""Results as CSV and JSON lines with the columns of a profile, streamed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy.orm import Session

from semblante import results
from semblante.csv_table import guard_formula
from semblante.profiles import Column, Value
from semblante.tables import Job
from semblante.views import image_view

ROWS_PER_BLOCK = 1000

Block = list[list[Value]]


def row_blocks(
    session: Session, job: Job, columns: Sequence[Column], size: int = ROWS_PER_BLOCK
) -> Iterator[Block]:
    """Yield the values of all rows in archive order, `size` rows at a time."""
    rows = iter(results.read(session, job.id))
    while block := list(islice(rows, size)):
        views = [image_view(row, job) for row in block]
        yield [[column.value(view) for column in columns] for view in views]


def csv_blocks(session: Session, job: Job, columns: Sequence[Column]) -> Iterator[bytes]:
    """Yield the CSV (UTF-8, RFC 4180) in blocks."""
    yield _csv([[column.name for column in columns]])
    for block in row_blocks(session, job, columns):
        yield _csv(block)


def json_lines(session: Session, job: Job, columns: Sequence[Column]) -> Iterator[bytes]:
    """Yield one JSON object per row, in blocks of lines."""
    names = [column.name for column in columns]
    for block in row_blocks(session, job, columns):
        objects = (dict(zip(names, values, strict=True)) for values in block)
        yield "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()


def _csv(block: Sequence[Sequence[Value]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for values in block:
        writer.writerow(guard_formula(one) if isinstance(one, str) else one for one in values)
    return buffer.getvalue().encode()
