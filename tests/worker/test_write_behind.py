"""Transactions behind the one who prepares them."""

from __future__ import annotations

from functools import partial
from threading import Event

import pytest

from semblante_worker.write_behind import write_behind


def test_they_run_in_order_and_have_ended_with_the_block() -> None:
    done: list[int] = []
    with write_behind() as behind:
        for number in range(20):
            behind(partial(done.append, number))
    assert done == list(range(20))


def test_the_caller_goes_on_while_one_runs() -> None:
    goes_on = Event()

    def run() -> None:
        assert goes_on.wait(30)

    with write_behind() as behind:
        behind(run)
        goes_on.set()


@pytest.mark.parametrize("more", [0, 1])
def test_the_error_of_one_reaches_the_caller_and_none_follows_it(more: int) -> None:
    done: list[int] = []

    def prepare() -> None:
        with write_behind() as behind:
            behind(fail)
            for number in range(more):
                behind(partial(done.append, number))

    with pytest.raises(ZeroDivisionError):
        prepare()
    assert done == []


def test_an_error_of_the_block_goes_before() -> None:
    def prepare() -> None:
        with write_behind() as behind:
            behind(fail)
            raise KeyError

    with pytest.raises(KeyError):
        prepare()


def fail() -> None:
    raise ZeroDivisionError
