"""Connections: kept by a process, never shared with the one that it was forked from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from semblante.database import Database
from semblante.insistence import insist


def test_connections_are_kept_and_a_snapshot_is_of_its_own_transaction(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'd.sqlite3'}")
    with database.writing() as session:
        session.execute(text("create table t (a)"))
    log = tmp_path / "d.sqlite3-wal"
    assert log.exists()  # whoever closes the last connection deletes it
    with database.reading() as reader:
        assert reader.execute(text("select count(*) from t")).scalar() == 0
        with database.writing() as writer:
            writer.execute(text("insert into t values (1)"))
        assert reader.execute(text("select count(*) from t")).scalar() == 0
    with database.reading() as reader:
        assert reader.execute(text("select count(*) from t")).scalar() == 1
    database.dispose()
    assert not log.exists()


def insert_and_fail(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("insert into t values (1)"))
        session.execute(text("insert into nowhere values (1)"))


def test_a_failed_transaction_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'd.sqlite3'}")
    with database.writing() as session:
        session.execute(text("create table t (a)"))
    with pytest.raises(OperationalError):
        insert_and_fail(database)
    with database.writing() as session:
        assert session.execute(text("select count(*) from t")).scalar() == 0
    database.dispose()


def test_a_forked_child_opens_its_own_and_leaves_those_of_its_parent(tmp_path: Path) -> None:
    code = f"""
import gc, os
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from semblante.database import Database
database = Database("sqlite:///{tmp_path / "d.sqlite3"}")
with database.writing() as session:
    session.execute(text("create table t (a)"))
descriptor = database.engine.pool
with database.writing() as held:
    held.execute(text("insert into t values (0)"))
    if (child := os.fork()) == 0:
        gc.collect()
        assert database.engine.pool is not descriptor
        with database.reading() as session:
            print(session.execute(text("select count(*) from t")).scalar(), flush=True)
        database.dispose()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    held.execute(text("insert into t values (1)"))
with database.reading() as session:
    print(session.execute(text("select count(*) from t")).scalar())
    print(session.execute(text("pragma integrity_check")).scalar())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.split(), run.stderr) == (["0", "2", "ok"], "")


LOCK = text("select pg_advisory_xact_lock(4711)")


def lock_and_fall_silent(database: Database, other: Database) -> None:
    with database.writing() as frozen:
        frozen.execute(LOCK)
        with other.writing() as session:
            session.execute(LOCK)  # waits until PostgreSQL has ended the first one
        frozen.execute(LOCK)


def test_a_writer_that_falls_silent_keeps_no_locks(postgresql: str) -> None:
    silent, other = Database(postgresql, silent_writer_seconds=0.1), Database(postgresql)
    with pytest.raises(OperationalError) as caught:  # as when the database is away
        lock_and_fall_silent(silent, other)
    assert isinstance(caught.value.orig, IdleInTransactionSessionTimeout)
    with silent.writing() as session:
        session.execute(LOCK)
    silent.dispose()
    other.dispose()


def test_a_writer_that_fell_silent_before_its_commit_is_tried_again(postgresql: str) -> None:
    silent, other = Database(postgresql, silent_writer_seconds=0.1), Database(postgresql)
    tries = []

    def write() -> None:
        with silent.writing() as session:
            session.execute(LOCK)
            tries.append(session.scalar(text("select pg_backend_pid()")))
            if len(tries) == 1:
                with other.writing() as waiting:
                    waiting.execute(LOCK)

    insist(write)
    assert len({*tries}) == 2
    silent.dispose()
    other.dispose()


def test_a_standby_is_a_database_that_is_away(postgresql: str) -> None:
    """After a failover connections of the pool may lead to what is a standby now."""
    database = Database(postgresql)
    pids = []

    def write() -> None:
        with database.writing() as session:
            pids.append(session.scalar(text("select pg_backend_pid()")))
            if len(pids) == 1:
                session.execute(text("set transaction read only"))
            session.execute(text("create table written (a int)"))
            session.execute(text("drop table written"))

    insist(write)
    assert len({*pids}) == 2, "the second try has a connection of its own"
    database.dispose()


def test_an_error_of_a_statement_is_none_of_the_server(postgresql: str) -> None:
    database = Database(postgresql)
    with pytest.raises(ProgrammingError), database.reading() as session:
        session.execute(text("select * from nowhere"))
    database.dispose()
