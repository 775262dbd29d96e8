"""Many rows at once, in and out, with as little work on each as the database's driver allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from semblante.tables import Table

Values = tuple[Any, ...]
ROWS_PER_STATEMENT = (2048, 512, 64)
"""On SQLite: a few sizes, so that each statement is prepared once. The rest goes row by row."""
MOST_VALUES = 32_766
"""In one statement of SQLite's."""
LISTS_AHEAD = 3
"""With one, PostgreSQL rests while the caller, who holds the interpreter, works on another."""


def insert_rows(
    session: Session, table: type[Table], columns: Sequence[str], rows: Sequence[Values]
) -> None:
    """Insert rows within the session's transaction, past SQLAlchemy's own work on each value.

    On PostgreSQL one statement takes an array of each column, which writes 1.6 times the rows of
    SQLAlchemy's statements in the same time (`benchmarks/rows_postgresql.py`). COPY writes a little
    more, but a process that stands still within one keeps its locks for good: neither
    `idle_in_transaction_session_timeout` nor `statement_timeout` ends it while it waits for rows.
    On SQLite, tuples as they are take half the processor time of `session.execute` with a
    dictionary for each, and many in one statement a quarter less; other threads work while it runs
    (`benchmarks/index_job.py`).

    Args:
        session: Where to.
        table: Whose rows; its other columns stay NULL, whatever their default.
        columns: Names, in the order of the table.
        rows: Values of these columns as the driver takes them: text, numbers, bytes, None.

    Raises:
        DBAPIError: its subclasses as for any other statement.
        ValueError: the columns are not in the order of the table.
    """
    known = [column.name for column in table.__table__.columns if column.name in columns]
    if known != list(columns):
        raise ValueError(f"{table.__tablename__} has its columns in this order: {known}")
    if not rows:
        return
    columns, rows = _without_empty(columns, rows)
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _insert_arrays(connection, table, columns, rows)
    else:
        _insert(connection, table, columns, rows)


def read_blocks(
    session: Session, query: Select[*tuple[Any, ...]], size: int
) -> Iterator[list[Values]]:
    """Yield a query's rows as tuples, in lists of `size`: memory stays flat.

    Past SQLAlchemy, as the driver gives them. On PostgreSQL as the server holds them, which spares
    parsing text, and the next list comes while the caller works on one. The query's columns must
    need no conversion: text, numbers and bytes do not.

    Raises:
        DBAPIError: its subclasses as for any other statement.
    """
    connection = session.connection()
    compiled = query.compile(dialect=connection.dialect)
    if connection.dialect.name != "postgresql":
        values = tuple(compiled.params[name] for name in compiled.positiontup or ())
        found: Any = connection.exec_driver_sql(str(compiled), values).cursor
        while rows := found.fetchmany(size):
            yield rows
        return
    driver: Any = connection.connection.driver_connection
    with (
        _explained(connection, str(compiled)),
        driver.cursor(f"rows_{id(query)}", binary=True) as cursor,
        ThreadPoolExecutor(1) as executor,  # it ends before the cursor is closed
    ):
        cursor.execute(str(compiled), compiled.params)
        coming = deque(executor.submit(cursor.fetchmany, size) for _ in range(LISTS_AHEAD))
        while rows := coming.popleft().result():
            coming.append(executor.submit(cursor.fetchmany, size))
            yield rows


def _without_empty(
    columns: Sequence[str], rows: Sequence[Values]
) -> tuple[Sequence[str], Sequence[Values]]:
    """Leave out columns that are NULL in all rows: SQLite takes a fifth less time for results."""
    used = [at for at in range(len(columns)) if any(row[at] is not None for row in rows)]
    if len(used) in (len(columns), 0, 1):  # one value would be no tuple
        return columns, rows
    return [columns[at] for at in used], list(map(itemgetter(*used), rows))


def _insert(
    connection: Connection, table: type[Table], columns: Sequence[str], rows: Sequence[Values]
) -> None:
    one_row = str(insert(table).compile(dialect=connection.dialect, column_keys=list(columns)))
    head, _, marks = one_row.rpartition(" VALUES ")
    at = 0
    for size in ROWS_PER_STATEMENT:
        if size * len(columns) > MOST_VALUES:
            continue
        statement = f"{head} VALUES {', '.join([marks] * size)}"
        while at + size <= len(rows):
            values = tuple(chain.from_iterable(rows[at : at + size]))
            connection.exec_driver_sql(statement, values)
            at += size
    if rest := list(rows[at:]):
        connection.exec_driver_sql(one_row, rest)


def _insert_arrays(
    connection: Connection, table: type[Table], columns: Sequence[str], rows: Sequence[Values]
) -> None:
    from psycopg import sql

    statement = sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
        sql.Identifier(table.__tablename__),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(
            sql.SQL("%b::{}[]").format(sql.SQL(_type_of(connection, table, name)))
            for name in columns
        ),
    )
    driver: Any = connection.connection.driver_connection
    with _explained(connection, "INSERT"), driver.cursor() as cursor:
        cursor.execute(statement, [list(values) for values in zip(*rows, strict=True)])


def _type_of(connection: Connection, table: type[Table], name: str) -> str:
    """Return a column's type without its length: a cast to that would cut text off."""
    compiled: str = table.__table__.columns[name].type.compile(dialect=connection.dialect)
    return compiled.partition("(")[0]


@contextmanager
def _explained(connection: Connection, statement: str) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy gives them."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, dialect=connection.dialect
        ) from error
