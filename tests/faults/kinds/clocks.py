"""Leases whose clock is wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import update

from faults.shape import ANYTHING, Needs
from faults.site import Site
from semblante.tables import Chunk, Job

WRONG_SECONDS = 2.0
LONG_AGO = timedelta(hours=1)


@dataclass(frozen=True)
class LeasesEnd:
    """Every lease is over while its holder works on: another one takes the work, too."""

    name: str = "leases over early"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Set their ends into the past."""
        past = datetime.now(UTC) - LONG_AGO
        with site.services.database.writing() as session:
            for table in (Chunk, Job):
                held = table.lease_token.is_not(None)
                session.execute(update(table).where(held).values(lease_until=past))


@dataclass(frozen=True)
class ClockMoved:
    """A worker's clock is an hour wrong for a while; see `program.py`."""

    name: str = "clock moved"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Say so by a file."""
        sign = site.settings.data / "faults" / f"clock-{random.choice(site.workers)}"
        sign.write_text(str(random.choice((-3600, 3600))))
        time.sleep(WRONG_SECONDS)
        sign.unlink()
