"""A database that is killed, stands still, or that somebody else holds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from sqlalchemy import text

from faults.shape import POSTGRESQL, SQLITE, Needs
from faults.site import Site

DOWN_SECONDS = 1.0
HELD_SECONDS = 2.0


@dataclass(frozen=True)
class DatabaseKilled:
    """PostgreSQL dies with all its processes, and is started again."""

    name: str = "database killed"
    needs: Needs = POSTGRESQL

    def strike(self, site: Site, random: Random) -> None:
        """Kill and start."""
        site.servers.postgresql.kill()
        time.sleep(DOWN_SECONDS)
        site.servers.postgresql.start()


@dataclass(frozen=True)
class DatabaseFrozen:
    """PostgreSQL stands still for a while."""

    name: str = "database frozen"
    needs: Needs = POSTGRESQL

    def strike(self, site: Site, random: Random) -> None:
        """Freeze and go on."""
        with site.servers.postgresql.frozen():
            time.sleep(HELD_SECONDS)


@dataclass(frozen=True)
class DatabaseLocked:
    """Somebody else holds SQLite's one lock of writers for a while."""

    name: str = "database locked"
    needs: Needs = SQLITE

    def strike(self, site: Site, random: Random) -> None:
        """Begin a transaction and sleep on it."""
        with site.services.database.writing() as session:
            session.execute(text("SELECT 1"))
            time.sleep(HELD_SECONDS)
