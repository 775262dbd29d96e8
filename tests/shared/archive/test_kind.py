"""What an upload is, one image alone, and the unpacking of tar.gz."""

from __future__ import annotations

import gzip

import pytest

from archives import LIMITS, contents, listed, tar_of, zip_of
from semblante.archive import (
    BytesSource,
    Kind,
    Limits,
    Member,
    Method,
    detect_kind,
    list_members,
    unpack_gzip,
)
from semblante.errors import ArchiveError

JPEG = b"\xff\xd8\xff\xe0 not a complete image"
TAR = tar_of({"a.jpg": JPEG})


def packed(data: bytes) -> bytes:
    """Return `data` as gzip, without the time."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (zip_of({"a.jpg": JPEG}), "zip"),
        (zip_of({}), "zip"),
        (b"MZ a program" + bytes(1000) + zip_of({"a.jpg": JPEG}), "zip"),
        (TAR, "tar"),
        (packed(TAR), "tar.gz"),
        (JPEG, "image"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"GIF89a", "image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "image"),
        (b"II*\0\x08\0\0\0", "image"),
        (b"MM\0*\0\0\0\x08", "image"),
        (b"\0\0\0\x1cftypavif", "image"),
        (b"\0\0\0\x18ftypmiaf\0\0\0\0miafheic", "image"),
    ],
)
def test_bytes_tell_the_kind(data: bytes, kind: Kind) -> None:
    assert detect_kind(BytesSource(data)) == kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        bytes(2000),
        b"BMW is a car maker from Munich",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
        packed(b"just text"),
        b"\x1f\x8b broken",
        b"Rar!\x1a\x07\x01\0",
        b"text" * 1000 + b"PK\x05\x06" + b"more",
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError) as caught:
        detect_kind(BytesSource(data))
    assert caught.value.code == "not_an_archive"


def test_one_image_is_listed_by_its_base_name() -> None:
    listing = list_members(BytesSource(JPEG), "image", "C:\\photos\\me.jpg", LIMITS)
    assert list(listing) == [Member("me.jpg", 0, 25, 25, None, None, Method.PLAIN, None)]
    assert contents(JPEG, "image") == {"upload": JPEG}
    assert listed(JPEG, "image", Limits(1, 99, 24))[0].error_code == "too_large"


def test_a_tar_gz_must_be_unpacked_first() -> None:
    with pytest.raises(ValueError, match="unpack_gzip"):
        list_members(BytesSource(packed(TAR)), "tar.gz", "a.tar.gz", LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        packed(TAR),
        packed(TAR[:700]) + packed(TAR[700:]),
        packed(TAR) + bytes(1500),
        packed(TAR) + bytes(2_000_000) + packed(b""),
        packed(TAR) + b"garbage",
    ],
)
def test_gzip_is_unpacked(data: bytes) -> None:
    assert b"".join(unpack_gzip(BytesSource(data), 10**6)) == TAR


def test_a_large_gzip_comes_in_small_blocks() -> None:
    data = bytes(50_000_000)
    sizes = [len(block) for block in unpack_gzip(BytesSource(packed(data)), 10**9)]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 1024 * 1024


def test_a_gzip_bomb_stops_at_the_limit() -> None:
    blocks = unpack_gzip(BytesSource(packed(bytes(50_000_000))), 3_000_000)
    with pytest.raises(ArchiveError) as caught:
        sum(len(block) for block in blocks)
    assert caught.value.code == "too_large_unpacked"


def test_every_truncation_and_damaged_checksum_of_a_gzip_is_corrupt() -> None:
    whole = packed(TAR)
    damaged = [whole[:cut] for cut in range(1, len(whole))]
    damaged.append(whole[:-5] + b"\xaa" + whole[-4:])
    for data in damaged:
        with pytest.raises(ArchiveError) as caught:
            list(unpack_gzip(BytesSource(data), 10**6))
        assert caught.value.code == "corrupt_archive"
