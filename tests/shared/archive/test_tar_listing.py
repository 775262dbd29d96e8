"""The streamed tar reader against the standard library's writer and damaged headers."""

from __future__ import annotations

import io
import tarfile
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archives import LIMITS, CountingSource, contents, listed, tar_of
from semblante.archive import BytesSource, Limits, Member, Method, list_members
from semblante.archive.tar_header import read_number
from semblante.errors import ArchiveError

JPEG = b"\xff\xd8\xff\xe0 not a complete image"
names = st.text(
    st.characters(exclude_characters="/\\\0:.", exclude_categories=("Cs", "Cc")), min_size=1
).map("{}_".format)  # never the name of a device
paths = st.lists(names, min_size=1, max_size=4).map(lambda parts: f"{'/'.join(parts)}.jpg")


def code_of(data: bytes, limits: Limits = LIMITS) -> str:
    """Return the code that listing `data` as a tar raises."""
    with pytest.raises(ArchiveError) as caught:
        listed(data, "tar", limits)
    return caught.value.code


def with_header(data: bytes, at: int, value: bytes) -> bytes:
    """Return `data` with `value` at `at` of its first header, and the checksum set right."""
    block = bytearray(data[:512])
    block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


def test_members_say_where_their_bytes_are() -> None:
    assert listed(tar_of({"a/1.jpg": JPEG, "a/2.png": b"1"}), "tar") == [
        Member("a/1.jpg", 512, 25, 25, None, crc32(JPEG), Method.PLAIN, None),
        Member("a/2.png", 1536, 1, 1, None, crc32(b"1"), Method.PLAIN, None),
    ]


@settings(max_examples=60, deadline=None)
@given(
    files=st.dictionaries(paths, st.binary(min_size=1, max_size=2000)),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_what_tarfile_writes_is_read_back(files: dict[str, bytes], form: int) -> None:
    assert contents(tar_of(files, form), "tar") == files


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_in_every_form(form: int) -> None:
    name = "f" * 100 + "/" + "g" * 90 + ".jpg"
    assert contents(tar_of({name: JPEG, "b.jpg": b"2"}, form), "tar") == {name: JPEG, "b.jpg": b"2"}


def test_other_kinds_of_members_are_skipped() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):
            information = tarfile.TarInfo("x.jpg")
            information.type, information.linkname = kind, "a.jpg"
            archive.addfile(information)
        for name, data in (("./a.jpg", JPEG), (".b.jpg", JPEG), ("c", JPEG), ("d.txt", b"text")):
            information = tarfile.TarInfo(name)
            information.size = len(data)
            archive.addfile(information, io.BytesIO(data))
    listing = list_members(BytesSource(buffer.getvalue()), "tar", "", LIMITS)
    assert [member.path for member in listing] == ["a.jpg", "c"]
    assert listing.skipped == 6


@pytest.mark.parametrize("name", ["/a.jpg", "../a.jpg", "a/../b.jpg"])
def test_unsafe_names_get_a_failed_row(name: str) -> None:
    assert contents(tar_of({name: JPEG}), "tar") == {name: "unsafe_path"}


def test_large_images_get_a_failed_row_and_limits_stop_the_archive() -> None:
    data = tar_of({"a.jpg": JPEG, "b.jpg": JPEG})
    assert contents(data, "tar", Limits(9, 99, 24)) == {"a.jpg": "too_large", "b.jpg": "too_large"}
    assert code_of(data, Limits(1, 99, 99)) == "too_many_entries"
    assert code_of(data, Limits(9, 49, 99)) == "too_large_unpacked"


def test_old_gnu_sparse_members_are_named_and_passed() -> None:
    extension = bytes(504) + b"\0" * 8
    sparse = with_header(tar_of({"a.jpg": b""})[:512], 156, b"S")
    sparse = with_header(sparse, 124, b"00000000004\0")
    sparse = with_header(sparse, 482, b"\1")
    data = sparse + extension + b"data" + bytes(508) + tar_of({"b.jpg": JPEG})
    assert contents(data, "tar") == {"a.jpg": "unsupported_compression", "b.jpg": JPEG}


def test_pax_sparse_members_are_named_by_their_own_name() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        information = tarfile.TarInfo("GNUSparseFile.1/a.jpg")
        information.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "a.jpg"}
        information.size = 600
        archive.addfile(information, io.BytesIO(bytes(600)))
    assert contents(buffer.getvalue(), "tar") == {"a.jpg": "unsupported_compression"}


def test_sizes_in_base_256_and_pax() -> None:
    size = b"\x80" + (25).to_bytes(11, "big")
    assert contents(with_header(tar_of({"a.jpg": JPEG}), 124, size), "tar") == {"a.jpg": JPEG}
    assert read_number(b"\x80" + bytes(7) + b"\x01\x00\x00\x00") == 2**24
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        information = tarfile.TarInfo("a.jpg")
        information.pax_headers = {"size": "25"}
        information.size = 25
        archive.addfile(information, io.BytesIO(JPEG))
    assert contents(buffer.getvalue(), "tar") == {"a.jpg": JPEG}


@pytest.mark.parametrize("size", [b"\xff" * 12, b"-0000000012\0", b"99999999999\0", b"\x80" * 12])
def test_negative_and_impossible_sizes_end_at_once(size: bytes) -> None:
    assert code_of(with_header(tar_of({"a.jpg": JPEG}), 124, size)) in {
        "corrupt_archive",
        "too_large_unpacked",
    }


def test_damaged_headers_are_corrupt_wherever_they_stand() -> None:
    data = tar_of({"a.jpg": JPEG, "b.jpg": JPEG})
    for at in (0, 1024):
        assert code_of(data[:at] + b"\xaa" + data[at + 1 :]) == "corrupt_archive"


@pytest.mark.parametrize(
    "body", [b"x path=a\n", b"3 path=a\n", b"99 path=a.jpg\n", b"9 patha\n\n", b"8 path=a"]
)
def test_damaged_pax_records_are_corrupt(body: bytes) -> None:
    head = with_header(tar_of({"a.jpg": b""})[:512], 156, b"x")
    head = with_header(head, 124, b"%011o\0" % len(body))
    data = head + body.ljust(512, b"\0") + tar_of({"a.jpg": JPEG})
    assert code_of(data) == "corrupt_archive"


def test_an_extended_header_of_gigabytes_is_refused_unread() -> None:
    source = CountingSource(
        with_header(with_header(tar_of({"a.jpg": b""}), 156, b"L"), 124, b"77777777777\0")
    )
    with pytest.raises(ArchiveError):
        list(list_members(source, "tar", "", LIMITS))
    assert max(length for _, length in source.reads) <= 1024 * 1024


def test_truncation_anywhere_is_corrupt_or_ends_behind_a_whole_member() -> None:
    files = {"a.jpg": b"a" * 600, "b.jpg": b"b" * 100}
    data = tar_of(files)
    for cut in range(1, 3072, 7):
        if cut < 2560 and cut != 1536:
            assert code_of(data[:cut]) == "corrupt_archive", cut
    assert contents(data[:1536], "tar") == {"a.jpg": b"a" * 600}
    assert contents(data[:2560], "tar") == files


def test_large_members_are_passed_without_being_read() -> None:
    data = tar_of({f"{index}.jpg": bytes(1_000_000) for index in range(10)})
    source = CountingSource(data)
    assert len(list(list_members(source, "tar", "", LIMITS))) == 10
    assert sum(length for _, length in source.reads) < 1_000_000
