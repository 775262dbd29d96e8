"""Gives a JPEG its end where that alone is missing: every row is there, and any viewer shows it.

Pillow refuses a JPEG without its end marker as truncated, and with one it fills missing rows with
grey, without a word. So the end is put behind two different fillings: only a picture that needs
none of them looks the same with both.
"""

from __future__ import annotations

_START = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_FILLING_BYTES = 64


def with_ends(data: bytes) -> tuple[bytes, bytes] | None:
    """Return two versions of the JPEG `data`, which show the same only if no row is missing.

    None when it is no JPEG, or has an end.
    """
    if not data.startswith(_START) or data.endswith(_END):
        return None
    rows = data.removesuffix(b"\xff")  # half of the end
    return rows + bytes(_FILLING_BYTES) + _END, rows + b"\x55" * _FILLING_BYTES + _END
