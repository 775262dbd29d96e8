"""What packs a member in pieces."""

from __future__ import annotations

import random

import pytest

from hostile.packing import pack
from semblante.archive.member import Method
from semblante.archive.unpack import unpack, unpack_head
from semblante.errors import ImageError

FIRST, SECOND = random.Random(1).randbytes(5000), b"x" * 7000
STREAMED = [Method.BZIP2, Method.ZSTANDARD, Method.XZ]
EMPTY_FRAME = bytes.fromhex("502a4d1804000000") + b"size"
"""Zstandard's, to be skipped: pzstd writes one before each of its frames (RFC 8878, 3.1.2)."""


@pytest.mark.parametrize("method", STREAMED)
def test_streams_one_behind_the_other_are_one_member(method: int) -> None:
    packed = pack(FIRST, method) + pack(SECOND, method)
    assert unpack(packed, method, 12_000, None) == FIRST + SECOND
    assert unpack_head(packed, method, 6000) == (FIRST + SECOND)[:6000]
    assert unpack_head(packed, method, 10) == FIRST[:10]


def test_frames_to_be_skipped_are_skipped() -> None:
    packed = b"".join(EMPTY_FRAME + pack(part, Method.ZSTANDARD) for part in (FIRST, SECOND))
    assert unpack(packed, Method.ZSTANDARD, 12_000, None) == FIRST + SECOND


@pytest.mark.parametrize("method", STREAMED)
def test_a_member_of_countless_streams_is_refused_soon(method: int) -> None:
    with pytest.raises(ImageError) as caught:
        unpack(pack(b"", method) * 100_000 + pack(b"a", method), method, 1, None)
    assert caught.value.code == "corrupt_member"
