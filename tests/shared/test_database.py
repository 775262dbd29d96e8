"""Connections: kept by a process, never shared with the one that it was forked from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from semblante.database import Database


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
    with pytest.raises(DBAPIError):
        lock_and_fall_silent(silent, other)
    silent.dispose()
    other.dispose()
