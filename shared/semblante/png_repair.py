"""Takes out of a PNG what no decoder needs, so that damage there does not cost the picture.

Pillow refuses a PNG for a bad checksum, a bad length or a bomb in a chunk of text or colour
profile; the specification tells decoders to ignore such chunks (PNG 3rd edition, sections 5.4 and
13.2), as browsers do.
"""

from __future__ import annotations

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ESSENTIAL = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_FRAME = 12
"""Bytes of a chunk around its data: length, name, checksum."""


def without_extras(data: bytes) -> bytes | None:
    """Return the PNG `data` with the chunks that make its pixels; None when it has no others."""
    if not data.startswith(SIGNATURE):
        return None
    kept = [SIGNATURE]
    at = len(SIGNATURE)
    while at + _FRAME <= len(data):
        end = at + _FRAME + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in _ESSENTIAL:
            kept.append(data[at:end])
        at = end
    essential = b"".join(kept)
    return essential if len(essential) < len(data) else None
