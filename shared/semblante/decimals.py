"""Probabilities as text with four decimals, a million rows of them.

Each is looked up: `"%.4f"` of seven numbers took nearly half of the time of a line.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ONE = 10_000
_WIDTH = len("0.0000,")


class Decimals:
    """Formats rows of `count` probabilities each, as they are stored."""

    def __init__(self, count: int) -> None:
        """Prepare for rows of `count` probabilities."""
        self._count = count
        self._blanks = "," * (count - 1)

    def __call__(self, rows: Sequence[bytes | None]) -> list[str]:
        """Return the numbers of each row with commas between them, as `"%.4f"` writes them.

        Args:
            rows: Little-endian float32 from 0 to 1, `count` in each; None gives empty cells.

        Raises:
            ValueError: a number is no probability, or a row has more or fewer than `count`.
        """
        import numpy as np  # slow to import, and few commands export

        empty = bytes(4 * self._count)
        values = np.frombuffer(b"".join([row or empty for row in rows]), "<f4")
        if len(values) != self._count * len(rows):
            raise ValueError(f"a row has not {self._count} probabilities")
        # Exact: 24 bits by 14 fit a double's 53, so that a tie is one here and for "%.4f".
        scaled = np.rint(values.astype(np.float64) * _ONE)
        if not ((scaled >= 0) & (scaled <= _ONE)).all():
            raise ValueError("a number is no probability")
        text = _texts()[scaled.astype(np.intp)].tobytes().decode()
        width = _WIDTH * self._count
        return [
            self._blanks if row is None else text[at : at + width - 1]
            for row, at in zip(rows, range(0, width * len(rows), width), strict=True)
        ]


@functools.cache
def _texts() -> NDArray[np.bytes_]:
    """Return "0.0000," to "1.0000,"."""
    import numpy as np

    return np.array([f"{number / _ONE:.4f}," for number in range(_ONE + 1)], f"S{_WIDTH}")
