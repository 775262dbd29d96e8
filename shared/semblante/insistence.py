"""Work that must be done although the database is away now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError

INSISTENCE_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 2.0

Answer = TypeVar("Answer")


def insist(transaction: Callable[[], Answer], seconds: float = INSISTENCE_SECONDS) -> Answer:
    """Do a whole transaction, again and again for `seconds` while the database does not answer.

    Raises:
        OperationalError: It is still away.
    """
    pause, given_up_at = FIRST_PAUSE_SECONDS, time.monotonic() + seconds
    while True:
        try:
            return transaction()
        except OperationalError:
            if time.monotonic() >= given_up_at:
                raise
            time.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
