"""Random numbers that depend on what they are for, not on what was drawn before.

Every epoch and every picture in it has its own seed, made of the run's. So a resumed run draws
what the unbroken one would have drawn, with any number of loader processes, and no state of a
generator needs to be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(*parts: object) -> int:
    """Return a number from 0 to 2^63 - 1 that depends on all `parts`."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch's CPU generator begin at `seed`, and go on afterwards where it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
