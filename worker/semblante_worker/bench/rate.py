"""Images per second of anything that works through images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

ROUNDS = 3


@dataclass(frozen=True)
class Rate:
    """What was measured: `images_per_second`, or None and the reason why it was not."""

    name: str
    images_per_second: float | None
    note: str = ""


def measure_rate(name: str, work: Callable[[], int], note: str = "") -> Rate:
    """Call `work`, which returns its number of images, once to warm up and then `ROUNDS` times.

    The rate is that of the median round.
    """
    work()
    rates = []
    for _ in range(ROUNDS):
        started = perf_counter()
        images = work()
        rates.append(images / (perf_counter() - started))
    return Rate(name, median(rates), note)
