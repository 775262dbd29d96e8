"""Rows of the results as lines of the CSV (RFC 4180), a million times.

Our own, because formatting 24 cells one by one for `csv.writer` took two thirds of an export's
time; cells that can hold a comma are quoted as it quotes them (a test compares the two).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from semblante.csv_table import FORMULA_STARTS, guard_formula
from semblante.decimals import Decimals

_SPECIAL = re.compile('[",\r\n]')
_BEFORE = "\0"
"""Between paths: no path has it."""
_ODD = ('"', ",", "\r", "\n", *(_BEFORE + start for start in FORMULA_STARTS))


class CsvLines:
    """Formats rows of one job: `results.rows_of` says what a row holds."""

    def __init__(self, model: str, names: Mapping[str, str]) -> None:
        """Prepare what all lines share.

        Args:
            model: The reference of the job's model.
            names: What to write for each class, by its id, in the order of the model.
        """
        self._model = quoted(guard_formula(model))
        self._names = {None: ""} | {name: quoted(text) for name, text in names.items()}
        self._decimals = Decimals(len(names))

    def __call__(self, rows: Sequence[tuple[Any, ...]]) -> str:
        """Return the lines of `rows`, each with its end."""
        names, model = self._names, self._model
        cells = _cells([row[0] for row in rows])
        decimals = self._decimals([row[7] for row in rows])
        lines = []
        for cell, probabilities, (
            _path,
            _index,
            face_id,
            status,
            error_code,
            emotion,
            confidence,
            _packed,
            face_x,
            face_y,
            face_w,
            face_h,
            face_confidence,
            width,
            height,
            sha256,
        ) in zip(cells, decimals, rows, strict=True):
            # A row has all four numbers of a box or none, and both of a size or none.
            box = ",,," if face_x is None else f"{face_x},{face_y},{face_w},{face_h}"
            size = "," if width is None else f"{width},{height}"
            lines.append(
                f"{cell},{face_id},{status},{error_code or ''},{names[emotion]},"
                f"{'' if confidence is None else f'{confidence:.4f}'},{probabilities},{box},"
                f"{'' if face_confidence is None else f'{face_confidence:.4f}'},{size},"
                f"{sha256.hex() if sha256 else ''},{model}\r\n"
            )
        return "".join(lines)


def _cells(paths: Sequence[str]) -> Sequence[str]:
    """Return paths as cells. Mostly none is odd, which is found at once, without a look at each."""
    together = _BEFORE + _BEFORE.join(paths)
    if not any(mark in together for mark in _ODD):
        return paths
    return [quoted(guard_formula(path)) for path in paths]


def quoted(cell: str) -> str:
    """Return a cell as it stands in a line: in quotes where a comma, quote or line end asks."""
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if _SPECIAL.search(cell) else cell
