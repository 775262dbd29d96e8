"""Probabilities as text."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from semblante.decimals import Decimals

PROBABILITIES = st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3)


@given(st.lists(st.none() | PROBABILITIES, max_size=5))
@example([[0.03125, 0.09375, 1.0], None])  # the first two lie between two decimals
def test_they_are_written_as_the_language_writes_them(rows: list[list[float] | None]) -> None:
    packed = [None if row is None else struct.pack("<3f", *row) for row in rows]
    wanted = [
        ",," if row is None else "{:.4f},{:.4f},{:.4f}".format(*map(abs, row)) for row in rows
    ]
    assert Decimals(3)(packed) == wanted


@pytest.mark.parametrize("row", [(0.5,), (0.5, 1.1), (0.5, -0.1), (0.5, float("nan"))])
def test_what_is_no_row_of_probabilities_is_refused(row: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="probabilit"):
        Decimals(2)([struct.pack(f"<{len(row)}f", *row)])
