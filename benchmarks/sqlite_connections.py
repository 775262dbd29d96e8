"""A chunk's rows into SQLite: connections that are kept, beside one for each transaction.

    .venv/bin/python benchmarks/sqlite_connections.py [FOLDER]

The last connection to close copies the write-ahead log into the database and deletes it. Prints
milliseconds per transaction of 256 rows for both, in turn, and the ratio of the medians.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from semblante.database import Database

ROWS = 256
TRANSACTIONS = 50
ROUNDS = 5


def milliseconds(database: Database, *, keep: bool) -> float:
    """Return the mean time of a transaction."""
    rows = [{"b": bytes(100)} for _ in range(ROWS)]
    started = time.perf_counter()
    for _ in range(TRANSACTIONS):
        with database.writing() as session:
            session.execute(text("insert into t (b) values (:b)"), rows)
        if not keep:
            database.dispose()
    return (time.perf_counter() - started) / TRANSACTIONS * 1000


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.sqlite3'}")
        with database.writing() as session:
            session.execute(text("create table t (a integer primary key, b blob)"))
        times: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for keep in (False, True):
                times[keep].append(milliseconds(database, keep=keep))
        database.dispose()
    closed, kept = (statistics.median(times[keep]) for keep in (False, True))
    print(f"closed: {closed:.1f} ms, kept: {kept:.1f} ms, ratio {closed / kept:.2f}")


if __name__ == "__main__":
    main()
