"""Transactions one after the other in a thread, while the caller prepares the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context

Transaction = Callable[[], None]
WriteBehind = Callable[[Transaction], None]


@contextmanager
def write_behind() -> Iterator[WriteBehind]:
    """Give a function that runs what it is given, in order; at most one waits: memory stays flat.

    A database's driver works without the interpreter's lock, so the two share no core. At the end
    of the `with` block all is done. What a transaction raises, the function raises at its next
    call, or the end of the block, unless the block itself raised.
    """
    last: Future[None] | None = None

    def run(transaction: Transaction) -> None:
        nonlocal last
        if last is not None:
            last.result()
        last = executor.submit(copy_context().run, transaction)

    with ThreadPoolExecutor(1, "write-behind") as executor:
        yield run
        if last is not None:
            last.result()
