"""Rows come back from both databases as they were given, and a refusal is SQLAlchemy's."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import pytest
from sqlalchemy import func, literal_column, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from factory import start
from semblante import bulk, results
from semblante.database import Database
from semblante.migrations import upgrade
from semblante.results import ResultRow
from semblante.services import Services
from semblante.tables import Result

ROWS = [
    ResultRow(
        0, 0, "ok", None, "fear", 0.1, struct.pack("<2f", 0.1, 0.9),
        -3, 4, 5, 6, 1e-7, 640, 480, bytes(range(224, 256)),
    ),
    ResultRow(0, 1, "ok", None, 'tab\tnewline\nbackslash\\N "quoted" ñ', 1.0),
    ResultRow(1, 0, "no_face", None, "", sha256=b""),
    ResultRow(2, 0, "failed", "corrupt_image"),
]  # fmt: skip
COLUMNS = ("job_id", *ResultRow._fields)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, services: Services) -> Services:
    if request.param == "sqlite":
        return services
    url = request.getfixturevalue("postgresql")
    upgrade(url)
    return replace(services, database=Database(url))


def test_rows_come_back_as_they_were(database: Services) -> None:
    job = start(database, images=3, per_chunk=3)
    with database.database.writing() as session:
        bulk.insert_rows(session, Result, COLUMNS, [])
        bulk.insert_rows(session, Result, COLUMNS, [(job.id, *row) for row in ROWS])
    with database.database.reading() as session:
        found = [
            ResultRow(*(getattr(row, name) for name in ResultRow._fields))
            for row in results.read(session, job.id)
        ]
        values = list(chain.from_iterable(results.read_blocks(session, job.id)))
        assert values == [tuple(row) for row in results.read(session, job.id)]
        failed = results.read_blocks(session, job.id, status="failed")
        assert [[row[1] for row in rows] for rows in failed] == [[2]]
    assert found == ROWS
    database.database.dispose()


@pytest.mark.parametrize("count", [63, 64, 577, 2700])
def test_any_number_of_rows_is_written_once_each(database: Services, count: int) -> None:
    job = start(database, images=1, per_chunk=1)
    with database.database.writing() as session:
        rows = [(job.id, *ROWS[0]._replace(image_index=index)) for index in range(count)]
        bulk.insert_rows(session, Result, COLUMNS, rows)
    with database.database.reading() as session:
        indexes = select(Result.image_index).where(Result.job_id == job.id)
        assert session.scalars(indexes.order_by(Result.image_index)).all() == list(range(count))
    database.database.dispose()


@pytest.mark.parametrize("row", ROWS)
def test_columns_that_no_row_fills_come_back_empty(database: Services, row: ResultRow) -> None:
    job = start(database, images=3, per_chunk=3)
    with database.database.writing() as session:
        bulk.insert_rows(session, Result, COLUMNS, [(job.id, *row)])
    with database.database.reading() as session:
        (found,) = results.read(session, job.id)
        assert ResultRow(*(getattr(found, name) for name in ResultRow._fields)) == row
    database.database.dispose()


def test_a_row_that_is_there_is_refused_and_nothing_of_it_stays(database: Services) -> None:
    job = start(database, images=3, per_chunk=3)
    rows = [(job.id, *ROWS[at]) for at in (3, 2, 3)]
    with pytest.raises(IntegrityError), database.database.writing() as session:
        bulk.insert_rows(session, Result, COLUMNS, rows)
    with database.database.reading() as session:
        assert list(results.read(session, job.id)) == []
    database.database.dispose()


class Watched(list[tuple[object, ...]]):
    """Rows that ask what the writer's connection does whenever they are read."""

    def __init__(self, rows: list[tuple[object, ...]], database: Database, pid: int) -> None:
        super().__init__(rows)
        self._database, self._pid = database, pid
        self.states: set[str] = set()

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        query = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
        with self._database.reading() as session:
            self.states.add(session.scalar(query, {"pid": self._pid}) or "")
        return super().__iter__()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_never_waits_for_rows_within_a_statement(database: Services) -> None:
    """It ends an idle writer, but not one that stands still within COPY, who keeps its locks."""
    job = start(database, images=1, per_chunk=1)
    with database.database.writing() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()")) or 0
        rows = Watched([(job.id, 0, 0, "ok")], database.database, pid)
        bulk.insert_rows(session, Result, ("job_id", "image_index", "face_id", "status"), rows)
    assert rows.states == {"idle in transaction"}
    database.database.dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_text_that_is_too_long_is_refused_and_not_cut(database: Services) -> None:
    job = start(database, images=1, per_chunk=1)
    with pytest.raises(DataError), database.database.writing() as session:
        bulk.insert_rows(session, Result, COLUMNS, [(job.id, *ROWS[1]._replace(emotion="e" * 65))])
    database.database.dispose()


def test_columns_in_another_order_than_the_table_are_refused(services: Services) -> None:
    with (
        services.database.writing() as session,
        pytest.raises(ValueError, match="image_index"),
    ):
        bulk.insert_rows(session, Result, ("image_index", "job_id"), [(0, "a")])


def test_a_query_that_fails_is_explained_by_sqlalchemys_error(database: Services) -> None:
    query = select(func.abs(literal_column("no_such_column")))
    with database.database.reading() as session, pytest.raises(DBAPIError, match="no_such_column"):
        list(bulk.read_blocks(session, query, 10))
    database.database.dispose()
