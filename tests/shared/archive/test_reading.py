"""Bytes of members: one ranged read for neighbours, bounds, checks, one failure per member."""

from __future__ import annotations

import struct
import time
import zipfile

import pytest

from archives import CountingSource, contents, listed, tar_of, zip_of
from semblante.archive import BytesSource, Member, Method, read_members
from semblante.errors import ImageError
from semblante.tables import Image

MOST = 10**7


def outcome_of(data: bytes, member: Member, most: int = MOST) -> bytes | str:
    """Return the bytes of `member`, or the code of what is wrong."""
    ((_, outcome),) = read_members(BytesSource(data), [member], most)
    return outcome.code if isinstance(outcome, ImageError) else outcome


def test_neighbours_come_with_one_read() -> None:
    files = {f"{index}.jpg": bytes([index]) * 3000 for index in range(100)}
    for data, kind in ((zip_of(files), "zip"), (tar_of(files), "tar")):
        members = listed(data, "zip" if kind == "zip" else "tar")
        source = CountingSource(data)
        assert [outcome for _, outcome in read_members(source, members, MOST)] == list(
            files.values()
        )
        assert len(source.reads) == 1


def test_tiny_members_of_a_tar_come_with_one_read() -> None:
    data = tar_of({f"{index}.jpg": b"1" for index in range(200)})
    source = CountingSource(data)
    outcomes = [outcome for _, outcome in read_members(source, listed(data, "tar"), MOST)]
    assert outcomes == [b"1"] * 200
    assert len(source.reads) == 1


def test_what_lies_between_far_members_is_not_read() -> None:
    data = zip_of({"a.jpg": b"a" * 100, "film.mp4": bytes(5_000_000), "b.jpg": b"b" * 100})
    source = CountingSource(data)
    outcomes = [outcome for _, outcome in read_members(source, listed(data), MOST)]
    assert outcomes == [b"a" * 100, b"b" * 100]
    assert sum(length for _, length in source.reads) < 2000


def test_a_long_run_is_read_in_parts_of_64_mib() -> None:
    data = zip_of({f"{index}.jpg": bytes(9_000_000) for index in range(10)})
    source = CountingSource(data)
    members = listed(data)
    assert [len(outcome) for _, outcome in read_members(source, members, MOST)
            if isinstance(outcome, bytes)] == [9_000_000] * 10  # fmt: skip
    assert len(source.reads) == 2
    assert max(length for _, length in source.reads) <= 64 * 1024 * 1024


def test_order_and_duplicates_are_kept() -> None:
    data = zip_of({"a.jpg": b"first", "b.jpg": b"second"})
    a, b = listed(data)
    assert [outcome for _, outcome in read_members(BytesSource(data), [b, a, b], MOST)] == [
        b"second",
        b"first",
        b"second",
    ]


def test_no_members_cost_no_read() -> None:
    source = CountingSource(b"")
    assert list(read_members(source, [], MOST)) == []
    assert source.reads == []


def test_a_local_header_longer_than_usual_costs_one_more_read() -> None:
    data = zip_of({"n" * 900 + ".jpg": b"12345"})
    source = CountingSource(data)
    ((_, outcome),) = read_members(source, listed(data), MOST)
    assert outcome == b"12345"
    assert len(source.reads) == 2


def test_rows_of_the_table_are_read_like_members() -> None:
    data = zip_of({"a.jpg": b"first"})
    (member,) = listed(data)
    row = Image(**member._asdict(), job_id="1", index=7)
    ((image, outcome),) = read_members(BytesSource(data), [row], MOST)
    assert (image.index, outcome) == (7, b"first")


def test_one_bad_member_costs_only_itself() -> None:
    files = {"a.jpg": b"a" * 50, "b.jpg": b"b" * 50, "c.jpg": b"c" * 50, "d.jpg": b""}
    data = zip_of(files).replace(b"b" * 50, b"b" * 49 + b"x")
    assert contents(data) == {
        "a.jpg": b"a" * 50,
        "b.jpg": "crc_mismatch",
        "c.jpg": b"c" * 50,
        "d.jpg": "unsupported_format",
    }


@pytest.mark.parametrize(
    ("method", "damage"),
    [(zipfile.ZIP_DEFLATED, b"\xff"), (zipfile.ZIP_BZIP2, b"XX"), (zipfile.ZIP_LZMA, b"\0\0\1\0")],
)
def test_damaged_packed_bytes_are_corrupt(method: int, damage: bytes) -> None:
    data = zip_of({"a.jpg": bytes(range(256)) * 10}, method)
    start = 30 + len("a.jpg")
    assert contents(data[:start] + damage + data[start + len(damage) :]) == {
        "a.jpg": "corrupt_member"
    }


@pytest.mark.parametrize("method", [0, 8, 12, 14])
def test_nothing_is_unpacked_beyond_the_directory_s_size(method: int) -> None:
    data = zip_of({"a.jpg": bytes(9_000_000)}, method)
    (member,) = listed(data)
    lying = member._replace(unpacked_bytes=1000)
    start = time.monotonic()
    assert outcome_of(data, lying) == "corrupt_member"
    assert outcome_of(data, member, 1000) == "too_large"
    assert time.monotonic() - start < 2


def test_a_hostile_lzma_dictionary_allocates_nothing() -> None:
    body = struct.pack("<BBHBL", 9, 20, 5, 0x5D, 0xFFFFFFFF) + bytes(100)
    header = b"PK\x03\x04" + bytes(26)
    member = Member("a.jpg", 0, len(body), 100, 0, None, Method.LZMA, None)
    assert outcome_of(header + body, member) == "corrupt_member"


def test_hostile_positions_read_little_and_fail_alone() -> None:
    data = zip_of({"a.jpg": b"data", "z.bin": bytes(1_000_000)})
    (good,) = listed(data)
    hostile = [
        good._replace(offset=10**18),
        good._replace(offset=-5),
        good._replace(packed_bytes=10**15),
        good._replace(packed_bytes=-1),
        good._replace(offset=len(data) - 10),
        good._replace(packed_bytes=60_000, offset=900_000),
        good._replace(method=99),
        good._replace(unpacked_bytes=5),
    ]
    source = CountingSource(data)
    codes = [
        outcome.code if isinstance(outcome, ImageError) else outcome
        for _, outcome in read_members(source, [*hostile, good], MOST)
    ]
    assert codes == ["corrupt_member"] * 6 + ["unsupported_compression", "corrupt_member", b"data"]
    assert sum(length for _, length in source.reads) < 200_000


def test_a_member_cut_by_the_end_is_truncated() -> None:
    data = zip_of({"a.jpg": b"a" * 100})
    (member,) = listed(data)
    assert outcome_of(data[:80], member) == "truncated_member"
    plain = Member("a.jpg", 0, 100, 100, None, None, Method.PLAIN, None)
    assert outcome_of(bytes(99), plain) == "truncated_member"


def test_a_known_error_is_given_without_a_read() -> None:
    source = CountingSource(b"")
    member = Member("a.jpg", 0, 10, 10, None, None, Method.PLAIN, "encrypted")
    ((_, outcome),) = read_members(source, [member], MOST)
    assert isinstance(outcome, ImageError)
    assert outcome.code == "encrypted"
    assert source.reads == []
