"""Transactions one after the other in a thread, while the caller prepares the next."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Self


class WriteBehind:
    """Runs what it is given in order; at most one waits, so that memory stays flat.

    A database's driver works without the interpreter's lock, so the two share no core. At the end
    of the `with` block all is done, unless the block or one of them raised.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "write-behind")
        self._last: Future[None] | None = None

    def __call__(self, transaction: Callable[[], None]) -> None:
        """Run `transaction` once the one before has ended; raises what that one raised."""
        self._wait()
        self._last = self._executor.submit(copy_context().run, transaction)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for the last one; raises what it raised, unless the block raised before."""
        with self._executor:
            if error is None:
                self._wait()

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()
