"""Cursors of result rows: where a page ends, as text that a client gives back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from semblante.errors import Refused


def cursor_of(row: Row[*tuple[Any, ...]], by_doubt: bool = False) -> str:
    """Return the cursor behind a row, in archive order or by doubt."""
    place = place_cursor(row.image_index, row.face_id)
    return f"{row.confidence!r}_{place}" if by_doubt else place


def place_cursor(image_index: int, face_id: int) -> str:
    """Return the cursor behind a face, in archive order."""
    return f"{image_index}.{face_id}"


def parse_cursor(text: str | None, by_doubt: bool = False) -> tuple[float, ...] | None:
    """Return ([confidence,] image_index, face_id); None for the first page.

    Raises:
        Refused: `invalid_request`, when `text` is no cursor of this order.
    """
    if text is None:
        return None
    if not by_doubt:
        return _place(text)
    confidence, _, place = text.partition("_")
    try:
        doubt = float(confidence)
    except ValueError:
        doubt = -1.0
    if not 0 <= doubt <= 1:
        raise _bad_cursor()
    return (doubt, *_place(place))


def _place(text: str) -> tuple[int, int]:
    numbers = text.split(".")
    is_whole = all(part.isascii() and part.isdigit() and len(part) < 18 for part in numbers)
    if len(numbers) != 2 or not is_whole:
        raise _bad_cursor()
    return int(numbers[0]), int(numbers[1])


def _bad_cursor() -> Refused:
    return Refused("invalid_request", "query.after: no cursor of this list.")
