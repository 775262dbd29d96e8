"""A commit came through, but the connection ended before the database could say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from factory import reload, start, submit
from semblante.database import Database
from semblante.services import Services
from semblante.steps import take_step
from semblante.tables import Chunk
from semblante_worker.classify import classify_chunk
from semblante_worker.predict import Predictor


class Forgetful(Database):
    """A database whose first commit nobody hears of."""

    has_forgotten = False

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction; the first is committed, and seems not to be."""
        with super().writing() as session:
            yield session
        if not self.has_forgotten:
            self.has_forgotten = True
            raise OperationalError("COMMIT", None, OSError("the connection ended"))


@pytest.fixture
def forgetful(services: Services) -> Services:
    return replace(services, database=Forgetful(services.settings.database))


def test_a_chunk_is_free_again(services: Services, forgetful: Services) -> None:
    job = start(services, images=1, per_chunk=1)
    with pytest.raises(OperationalError):
        classify_chunk(forgetful, Predictor(services.settings), job.id, 0)
    with services.database.reading() as session:
        chunk = session.get_one(Chunk, (job.id, 0))
    assert (chunk.state, chunk.lease_token, chunk.attempts) == ("pending", None, 0)


def test_a_step_is_free_again(services: Services, forgetful: Services) -> None:
    job = submit(services, b"x")

    def take() -> None:
        with take_step(forgetful.database, services.settings, job.id, "validating"):
            raise AssertionError("it was not taken, as far as it knows")

    with pytest.raises(OperationalError):
        take()
    assert reload(services, job).lease_token is None
