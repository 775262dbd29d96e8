"""What all kinds of faults have in common."""

from __future__ import annotations

from random import Random
from typing import Protocol

from faults.shape import Needs
from faults.site import Site


class Fault(Protocol):
    """One way in which something breaks."""

    @property
    def name(self) -> str:
        """As in the table of recovery times."""

    @property
    def needs(self) -> Needs:
        """Sites that it can strike."""

    def strike(self, site: Site, random: Random) -> None:
        """Break it; return when it is whole again, unless that is the site's own task."""
