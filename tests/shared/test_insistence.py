"""A database that is away for a moment is asked again."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from semblante.insistence import insist


class Away:
    """A transaction that fails some times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self) -> str:
        self.times -= 1
        if self.times >= 0:
            raise OperationalError("select 1", None, ConnectionResetError())
        return "done"


def test_it_is_done_when_the_database_is_back() -> None:
    assert insist(Away(2)) == "done"


def test_a_database_that_stays_away_is_given_up() -> None:
    with pytest.raises(OperationalError):
        insist(Away(2), seconds=0)
