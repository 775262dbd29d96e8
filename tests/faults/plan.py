"""What a seed says: the site, the faults, and when each of them strikes."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from faults.kinds.clocks import ClockMoved, LeasesEnd
from faults.kinds.connections import Away, Cut
from faults.kinds.databases import DatabaseFrozen, DatabaseKilled, DatabaseLocked
from faults.kinds.disks import DiskFull, ReadsFail
from faults.kinds.fault import Fault
from faults.kinds.messages import Delayed, Doubled, Flushed
from faults.kinds.processes import (
    AllKilled,
    ChildFrozenForGood,
    ChildKilled,
    Frozen,
    Signalled,
)
from faults.shape import POSTGRESQL, S3, Shape

KINDS: tuple[Fault, ...] = (
    ChildKilled(),
    Cut("broker's connections cut", "broker"),
    Signalled("worker killed", "worker"),
    DatabaseLocked(),
    Signalled("web killed", "web"),
    DatabaseKilled(),
    Signalled("broker killed", "broker"),
    ReadsFail(),
    Flushed(),
    ChildFrozenForGood(),
    DiskFull(),
    Signalled("worker stopped", "worker", signal.SIGTERM),
    Cut("database's connections cut", "database", POSTGRESQL),
    Away("storage away", "storage", S3),
    Doubled(),
    Frozen("worker frozen", "worker"),
    Frozen("broker frozen", "broker"),
    DatabaseFrozen(),
    Away("broker away", "broker"),
    LeasesEnd(),
    Delayed(),
    ClockMoved(),
    Away("database away", "database", POSTGRESQL),
    Signalled("broker stopped", "broker", signal.SIGTERM),
    AllKilled(),
    Frozen("web frozen", "web"),
    Cut("storage's connections cut", "storage", S3),
)
ROTATED = 2
"""So many faults of a seed are the next ones of the list; one more is drawn."""


def _may_follow(fault: Fault, faults: Sequence[Fault], shape: Shape) -> bool:
    """Two children that stand still for good may be all that a site has: nobody could go on."""
    return fault.needs.fit(shape) and not (fault.needs.another_child and fault in faults)


@dataclass(frozen=True)
class Strike:
    """A fault, and the share of the images that have rows when it strikes.

    0 is as soon as the job is made, 1 when its files of results are written.
    """

    fault: Fault
    share: float

    def __str__(self) -> str:
        """Return it in a few words."""
        return f"{self.fault.name} at {self.share:.0%}"


@dataclass(frozen=True)
class Plan:
    """All that a run is made of; the same seed gives the same plan."""

    seed: int
    shape: Shape
    strikes: list[Strike]

    @classmethod
    def of(cls, seed: int) -> Plan:
        """Return the plan of a seed."""
        random = Random(seed)
        first = ROTATED * seed
        faults = [KINDS[(first + number) % len(KINDS)] for number in range(ROTATED)]
        shape = Shape.drawn(random, [fault.needs for fault in faults])
        faults.append(
            random.choice([fault for fault in KINDS if _may_follow(fault, faults, shape)])
        )
        random.shuffle(faults)
        thirds = [(number + random.random() * 0.8) / len(faults) for number in range(len(faults))]
        shares = [random.choice((0.0, thirds[0])), *thirds[1:-1], random.choice((thirds[-1], 1.0))]
        return cls(seed, shape, [Strike(*one) for one in zip(faults, shares, strict=True)])

    def __str__(self) -> str:
        """Return it in one line."""
        return f"seed {self.seed}: {self.shape}; {', '.join(map(str, self.strikes))}"
