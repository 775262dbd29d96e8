"""The first bytes that tell an image from anything else."""

from __future__ import annotations

MAGIC_BYTES = 64
"""How many first bytes `looks_like_image` needs to know every format."""

_STARTS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",  # TIFF and BigTIFF, both byte orders
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
)
_BRANDS = frozenset(
    (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
)
_BITMAP_HEADERS = frozenset((12, 16, 40, 52, 56, 64, 108, 124))


def looks_like_image(head: bytes) -> bool:
    """Whether `head`, the first `MAGIC_BYTES` bytes of a file, begins a format that we read."""
    if head.startswith(_STARTS):
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        brands = {head[8:12]} | {head[at : at + 4] for at in range(16, len(head) - 3, 4)}
        return not brands.isdisjoint(_BRANDS)
    # "BM" alone begins many texts, so the size of the second header must be a known one.
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS
