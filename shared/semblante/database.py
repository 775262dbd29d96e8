"""Sessions: `reading()` and `writing()`, each one transaction (SQLite or PostgreSQL)."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import Pool

from semblante.errors import Refused

DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
BUSY_TIMEOUT_MS = 30_000
SILENT_WRITER_SECONDS = 20.0
# A host that vanished is noticed after a minute, not after the hours that systems take.
KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# Errors of the server, not of a statement, that psycopg files under InternalError.
SERVER_STATES = {
    "25P03": "a silent writer was ended",
    "25P04": "a transaction took longer than the server lets it",
    "25006": "the server is, or has become, one that only reads: a standby",
}

_databases: WeakSet[Database] = WeakSet()
_of_parents: list[Pool] = []
"""Kept, because a connection closes when nothing refers to it."""


class Database:
    """One database, shared by all threads of a process; nothing connects before the first use."""

    def __init__(self, url: str, silent_writer_seconds: float = SILENT_WRITER_SECONDS) -> None:
        """Prepare.

        Args:
            url: SQLAlchemy's.
            silent_writer_seconds: After so long PostgreSQL ends a writing transaction whose process
                says nothing, frozen or cut off: the rows it has locked are others' then. SQLite
                has nothing like it.

        Raises:
            Refused: `invalid_request`, when `url` is none of SQLite or PostgreSQL.
        """
        self.url = _parse(url)
        self.engine = (
            _sqlite_engine(url)
            if self.is_sqlite
            else _postgresql_engine(url, int(silent_writer_seconds * 1000))
        )
        _databases.add(self)
        _leave_connections_at_forks()
        writer = self.engine.execution_options(semblante_writes=True)
        self.writers = sessionmaker(writer, expire_on_commit=False)
        """Sessions of `writing`; SQLAlchemy's events can be listened for on it."""

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads; it never waits for a writer."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that is committed at the end, or rolled back by an exception."""
        with self.writers() as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close all connections (at the end of a process)."""
        self.engine.dispose()

    def leave_to_parent(self) -> None:
        """Forget all connections without closing them: in a forked child they are its parent's."""
        _of_parents.append(self.engine.pool)
        self.engine.dispose(close=False)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # its text may be, or hold, a password
        parsed = None
    if parsed is None or parsed.drivername not in DRIVERS:
        raise Refused(
            "invalid_request",
            "SEMBLANTE_DATABASE_URL is no address like postgresql+psycopg://user@host/name.",
        )
    return parsed


def _postgresql_engine(url: str, silent_writer_ms: int) -> Engine:
    # Every upload on its way holds a connection for its lock: more than a pool's ten may be needed,
    # but never more than the process has threads.
    engine = create_engine(url, pool_pre_ping=True, max_overflow=-1, connect_args=KEEPALIVES)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("semblante_writes", False):
            limit = f"SET LOCAL idle_in_transaction_session_timeout = {silent_writer_ms}"
            connection.exec_driver_sql(limit)

    @event.listens_for(engine, "handle_error", retval=True)
    def tell_server(context: ExceptionContext) -> BaseException | None:
        """Have all who wait for a server that is away wait for these, too."""
        error = context.original_exception
        if getattr(error, "sqlstate", None) not in SERVER_STATES:
            return None
        context.is_disconnect = True  # of the whole pool: the next connection may find another
        return OperationalError(
            context.statement, context.parameters, error, connection_invalidated=True
        )

    return engine


def _sqlite_engine(url: str) -> Engine:
    """SQLite with WAL; a writer takes its lock at BEGIN, so no transaction dies half-way."""
    path = make_url(url).database
    if path is None or path == ":memory:":
        raise ValueError("Semblante's SQLite database must be a file: several processes share it.")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # Connections are kept: the last one to close copies the log into the database, which made a
    # transaction of 256 rows two to three times as long (`benchmarks/sqlite_connections.py`).
    engine = create_engine(url, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we emit BEGIN ourselves, below
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # a committed row survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("semblante_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@functools.cache
def _leave_connections_at_forks() -> None:
    """SQLite's locks and PostgreSQL's sockets must not be used by two processes."""

    def leave() -> None:
        for database in list(_databases):
            database.leave_to_parent()

    os.register_at_fork(after_in_child=leave)
