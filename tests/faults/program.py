"""The product's command, over a storage that is slow, and that fails while a file says so.

The slowness takes no core, and makes that faults find work in hand. Files in SEMBLANTE_DATA:
`faults/hold` lets reads wait, which make `faults/held`; `faults/reads` makes about every second
one fail; `faults/clock-NAME` moves the clock of the worker NAME by the seconds that it holds.
"""

from __future__ import annotations

import datetime
import errno
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from semblante import leases, steps
from semblante.cli import main
from semblante.storage import StoredSource

FAULTS = Path(os.environ["SEMBLANTE_DATA"]) / "faults"
READ_SECONDS = 0.2
WRITE_SECONDS = 0.4
honest_read, honest_keeping = StoredSource.read, steps.Step.keeping


def read(self: StoredSource, start: int, length: int) -> bytes:
    """Read slowly, or fail."""
    time.sleep(READ_SECONDS)
    while (FAULTS / "hold").exists():
        (FAULTS / "held").touch()
        time.sleep(0.01)
    if (FAULTS / "reads").exists() and random.random() < 0.5:
        raise OSError(errno.EIO, "a read of this test")
    return honest_read(self, start, length)


def keeping(self: steps.Step, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass blocks on slowly."""
    for block in honest_keeping(self, blocks):
        yield block
        time.sleep(WRITE_SECONDS)


class MovedClock(datetime.datetime):
    """The time of a host whose clock is wrong, while the file says by how much."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        """Return the wrong time."""
        try:
            seconds = float(FILE_OF_CLOCK.read_text())
        except FileNotFoundError:
            seconds = 0.0
        return datetime.datetime.now(tz) + datetime.timedelta(seconds=seconds)


StoredSource.read = read  # type: ignore[method-assign]
steps.Step.keeping = keeping  # type: ignore[method-assign]
if "--name" in sys.argv:
    FILE_OF_CLOCK = FAULTS / f"clock-{sys.argv[sys.argv.index('--name') + 1]}"
    leases.datetime = MovedClock  # type: ignore[attr-defined]
if __name__ == "__main__":
    main()
