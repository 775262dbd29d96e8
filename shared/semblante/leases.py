"""Leases: one worker at a time works on a row, and a worker that died loses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from semblante.holder import is_known_dead, this_process
from semblante.tables import Leased


def is_free(row: Leased) -> bool:
    """Whether nobody holds `row`: never leased, run out, or the holder is known to be dead."""
    if row.lease_token is None or row.lease_until is None or row.lease_holder is None:
        return True
    return row.lease_until <= datetime.now(UTC) or is_known_dead(row.lease_holder)


def take(row: Leased, seconds: float) -> str:
    """Lease `row` to this process for `seconds`; return the token that fences others off."""
    row.lease_token = str(uuid4())
    row.lease_holder = this_process()
    row.attempts += 1
    renew(row, seconds)
    return row.lease_token


def renew(row: Leased, seconds: float) -> None:
    """Let the lease last `seconds` from now."""
    row.lease_until = datetime.now(UTC) + timedelta(seconds=seconds)


def give_back(row: Leased) -> None:
    """Free `row`."""
    row.lease_token = row.lease_holder = row.lease_until = None
