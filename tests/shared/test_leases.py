"""Leases run by the database's clock, whatever the clocks of the hosts say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from semblante import leases
from semblante.database import Database
from semblante.tables import Chunk


class Tomorrow(datetime):
    """The time of a host whose clock is a day ahead."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        """Return tomorrow."""
        return datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    with psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True) as connection:
        name = f"leases_{uuid4().hex}"
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    database = Database(postgresql.replace("/postgres?", f"/{name}?"))
    yield database
    database.dispose()


def test_a_host_with_a_wrong_clock_takes_no_work_from_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = Chunk(attempts=0)
    with database.reading() as session:
        leases.take(session, chunk, 60)
        monkeypatch.setattr(leases, "datetime", Tomorrow)
        assert not leases.is_free(session, chunk)
        leases.renew(session, chunk, 60)
    assert chunk.lease_until is not None
    assert chunk.lease_until < datetime.now(UTC) + timedelta(minutes=2)


def test_a_lease_that_ran_out_is_free(database: Database) -> None:
    chunk = Chunk(attempts=0)
    with database.reading() as session:
        leases.take(session, chunk, -1)
        assert leases.is_free(session, chunk)
