"""A row of the results as a line of the CSV (RFC 4180), a million times.

Our own, because formatting 24 cells one by one for `csv.writer` took two thirds of an export's
time; cells that can hold a comma are quoted as it quotes them (a test compares the two).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

from semblante.csv_table import guard_formula

_SPECIAL = re.compile('[",\r\n]')


class CsvLine:
    """Formats rows of one job: `results.rows_of` says what a row holds."""

    def __init__(self, model: str, names: Mapping[str, str]) -> None:
        """Prepare what all lines share.

        Args:
            model: The reference of the job's model.
            names: What to write for each class, by its id, in the order of the model.
        """
        self._model = quoted(guard_formula(model))
        self._names = {None: ""} | {name: quoted(text) for name, text in names.items()}
        self._unpack = struct.Struct(f"<{len(names)}f").unpack
        self._probabilities = ",".join(["%.4f"] * len(names))
        self._blanks = "," * (len(names) - 1)

    def __call__(self, row: tuple[Any, ...]) -> str:
        """Return the row's line, with its end."""
        (
            path,
            _index,
            face_id,
            status,
            error_code,
            emotion,
            confidence,
            packed,
            face_x,
            face_y,
            face_w,
            face_h,
            face_confidence,
            width,
            height,
            sha256,
        ) = row
        probabilities = (
            self._blanks if packed is None else self._probabilities % self._unpack(packed)
        )
        # A row has all four numbers of a box or none, and both of a size or none.
        box = ",,," if face_x is None else f"{face_x},{face_y},{face_w},{face_h}"
        size = "," if width is None else f"{width},{height}"
        return (
            f"{quoted(guard_formula(path))},{face_id},{status},{error_code or ''},"
            f"{self._names[emotion]},{_decimals(confidence)},{probabilities},"
            f"{box},{_decimals(face_confidence)},{size},"
            f"{sha256.hex() if sha256 else ''},{self._model}\r\n"
        )


def quoted(cell: str) -> str:
    """Return a cell as it stands in a line: in quotes where a comma, quote or line end asks."""
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if _SPECIAL.search(cell) else cell


def _decimals(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
