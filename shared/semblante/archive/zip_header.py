"""The header before a zip member's data (PKWARE APPNOTE 6.3.10, section 4.3.7)."""

from __future__ import annotations

import struct

LOCAL_HEADER_BYTES = 30
_LOCAL = struct.Struct("<4s22xHH")


def data_start(header: bytes | memoryview, offset: int) -> int | None:
    """Return where the data of the member at `offset` begins; None when `header` is no header.

    The sizes of the name and of the extra fields may differ from those in the directory.
    """
    if len(header) < LOCAL_HEADER_BYTES:
        return None
    signature, name, extra = _LOCAL.unpack_from(header)
    if signature != b"PK\x03\x04":
        return None
    return offset + LOCAL_HEADER_BYTES + int(name) + int(extra)
