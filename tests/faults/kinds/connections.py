"""Connections that are cut, and services that nobody can reach for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from faults.shape import ANYTHING, Needs
from faults.site import Site

AWAY_SECONDS = 2.0


@dataclass(frozen=True)
class Cut:
    """All connections to a service end; new ones are welcome."""

    name: str
    service: str
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Cut them some times in a row: others are made meanwhile."""
        for _ in range(3):
            site.proxies[self.service].cut()
            time.sleep(random.uniform(0, 0.2))


@dataclass(frozen=True)
class Away:
    """All connections to a service end, and it takes no new ones for a while."""

    name: str
    service: str
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Be away."""
        with site.proxies[self.service].closed():
            time.sleep(AWAY_SECONDS)
