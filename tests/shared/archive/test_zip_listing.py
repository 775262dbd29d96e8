"""The streamed zip directory against the standard library's writer, byte patches and limits."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archives import LIMITS, CountingSource, contents, listed, zip_of
from semblante.archive import BytesSource, Limits, Member, Method, list_members
from semblante.errors import ArchiveError

JPEG = b"\xff\xd8\xff\xe0 not a complete image"


def code_of(data: bytes, limits: Limits = LIMITS) -> str:
    """Return the code that listing `data` as a zip raises."""
    with pytest.raises(ArchiveError) as caught:
        listed(data, "zip", limits)
    return caught.value.code


def zip64_of(files: dict[str, bytes]) -> bytes:
    """Return a zip in which every size is kept in zip64 fields, with a zip64 end record."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(data)
    plain = buffer.getvalue()
    end = plain.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack_from("<HLL", plain, end + 10)
    record = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    full = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    return plain[:end] + record + locator + full


def patched(data: bytes, signature: bytes, at: int, value: bytes) -> bytes:
    """Return `data` with `value` written `at` bytes after the last `signature`."""
    place = data.rindex(signature) + at
    return data[:place] + value + data[place + len(value) :]


def test_members_say_where_their_bytes_are() -> None:
    assert listed(zip_of({"a/1.jpg": JPEG, "a/2.PNG": b"\x89PNG"})) == [
        Member("a/1.jpg", 0, 25, 25, zlib.crc32(JPEG), None, Method.STORED, None),
        Member("a/2.PNG", 62, 4, 4, zlib.crc32(b"\x89PNG"), None, Method.STORED, None),
    ]


names = st.text(
    st.characters(exclude_characters="/\\\0:.", exclude_categories=("Cs", "Cc")), min_size=1
).map("{}_".format)  # never the name of a device


@settings(max_examples=60, deadline=None)
@given(
    files=st.dictionaries(names.map(lambda name: f"{name}.jpg"), st.binary(min_size=1)),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, 14]),
    comment=st.binary(max_size=100),
    before=st.binary(max_size=50),
    after=st.binary(max_size=20),
)
def test_what_zipfile_writes_is_read_back(
    files: dict[str, bytes], method: int, comment: bytes, before: bytes, after: bytes
) -> None:
    if b"PK" in comment + after:
        comment, after = b"", b""
    data = before + zip_of(files, method, comment) + after
    assert contents(data) == files


def test_zip64_fields_and_end_are_read() -> None:
    files = {"a.jpg": JPEG, "b.jpg": b"second"}
    assert contents(zip64_of(files)) == files
    assert contents(b"MZ program" + zip64_of(files)) == files


def test_zip64_extra_field_gives_sizes_and_offset() -> None:
    data = zip_of({"a.jpg": JPEG})
    entry = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    extra = struct.pack("<HHQQQ", 1, 24, len(JPEG), len(JPEG), 0)
    directory = bytearray(data[entry:end] + extra)
    struct.pack_into("<LL", directory, 20, 2**32 - 1, 2**32 - 1)
    struct.pack_into("<H", directory, 30, len(extra))
    struct.pack_into("<L", directory, 42, 2**32 - 1)
    tail = bytearray(data[end:])
    struct.pack_into("<L", tail, 12, len(directory))
    assert contents(data[:entry] + bytes(directory) + bytes(tail)) == {"a.jpg": JPEG}


def test_missing_zip64_end_is_corrupt() -> None:
    data = zip64_of({"a.jpg": JPEG})
    assert code_of(data.replace(b"PK\x06\x06", b"PKxx")) == "corrupt_archive"


def test_directory_of_many_windows() -> None:
    files = {f"{index:05d}{'x' * 1000}.jpg": b"1" for index in range(3000)}  # 3 MiB of names
    limits = Limits(3000, 10**9, 10**7)
    source = CountingSource(zip_of(files))
    members = list(list_members(source, "zip", "", limits))
    assert len(members) == 3000
    assert members[2999].path[:5] == "02999"
    assert max(length for _, length in source.reads) == 1024 * 1024
    assert len(source.reads) < 10


def test_a_name_of_1024_characters_is_kept_and_a_longer_one_cut() -> None:
    short, long = "s" * 1020 + ".jpg", "l" * 1021 + ".jpg"
    first, second = listed(zip_of({short: JPEG, long: JPEG}))
    assert (first.path, first.error_code) == (short, None)
    assert (second.path, second.error_code) == (long[:1024], "unsafe_path")


def test_what_is_no_image_is_counted_and_skipped() -> None:
    files = {
        "folder/": b"",
        "__MACOSX/a.jpg": JPEG,
        "folder/._a.jpg": JPEG,
        ".hidden/a.jpg": JPEG,
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "notes.txt": b"BMW is a car maker",
        "nested.zip": zip_of({"a.jpg": JPEG}),
        "empty": b"",
        "a.jpg": b"an image by its name",
        "no_extension": JPEG,
        "wrong.txt": b"GIF89a...",
    }
    listing = list_members(BytesSource(zip_of(files)), "zip", "", LIMITS)
    assert [member.path for member in listing] == ["a.jpg", "no_extension", "wrong.txt"]
    assert listing.skipped == 8


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_first_bytes_are_seen_through_compression(method: int) -> None:
    data = zip_of({"picture": JPEG + bytes(10_000), "text": bytes(10_000)}, method)
    assert [member.path for member in listed(data)] == ["picture"]


def test_links_and_devices_are_skipped() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, mode in (("link.jpg", 0o120777), ("pipe.jpg", 0o010644), ("a.jpg", 0o100644)):
            information = zipfile.ZipInfo(name)
            information.create_system = 3
            information.external_attr = mode << 16
            archive.writestr(information, JPEG)
    assert [member.path for member in listed(buffer.getvalue())] == ["a.jpg"]


@pytest.mark.parametrize(
    "name", ["/etc/a.jpg", "../a.jpg", "a/../../b.jpg", "C:/a.jpg", "..\\a.jpg", "\\\\host\\a.jpg"]
)
def test_unsafe_names_get_a_failed_row(name: str) -> None:
    (member,) = listed(zip_of({name: JPEG}))
    assert (member.path, member.error_code) == (name, "unsafe_path")


@pytest.mark.parametrize("name", ["a..b.jpg", "./a.jpg", "a//b.jpg"])
def test_odd_but_safe_names_are_images(name: str) -> None:
    (member,) = listed(zip_of({name: JPEG}))
    assert member.error_code is None
    assert member.path == name.removeprefix("./")


def test_a_nul_in_a_name_is_unsafe_and_replaced() -> None:
    data = zip_of({"aXb.jpg": JPEG}).replace(b"aXb.jpg", b"a\0b.jpg")
    (member,) = listed(data)
    assert (member.path, member.error_code) == ("a\ufffdb.jpg", "unsafe_path")


def test_names_without_the_flag_are_utf8_or_code_page_437() -> None:
    data = zip_of({"aaa.jpg": JPEG})
    assert listed(data.replace(b"aaa.jpg", b"\xc3\xb1a.jpg"))[0].path == "ña.jpg"
    assert listed(data.replace(b"aaa.jpg", b"\xa4aa.jpg"))[0].path == "ñaa.jpg"


def test_bad_bytes_under_the_flag_can_be_stored() -> None:
    data = zip_of({"ñaa.jpg": JPEG}).replace("ñaa.jpg".encode(), b"\xff\xfeaa.jpg")
    assert listed(data)[0].path == "\ufffd\ufffdaa.jpg"


@pytest.mark.parametrize(("name_for_crc", "expected"), [(b"aaa.jpg", "日.jpg"), (b"x", "aaa.jpg")])
def test_unicode_path_field_needs_its_checksum(name_for_crc: bytes, expected: str) -> None:
    body = b"\x01" + struct.pack("<L", zlib.crc32(name_for_crc)) + "日.jpg".encode()
    information = zipfile.ZipInfo("aaa.jpg")
    information.extra = struct.pack("<HH", 0x7075, len(body)) + body
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(information, JPEG)
    assert [member.path for member in listed(buffer.getvalue())] == [expected]


@pytest.mark.parametrize(("system", "expected"), [(0, "a/b.jpg"), (10, "a/b.jpg"), (3, "a\\b.jpg")])
def test_backslashes_separate_folders_when_made_on_windows(system: int, expected: str) -> None:
    data = patched(zip_of({"a\\b.jpg": JPEG}), b"PK\x01\x02", 5, bytes([system]))
    assert [member.path for member in listed(data)] == [expected]


def test_encrypted_and_unknown_methods_get_a_failed_row() -> None:
    data = zip_of({"a.jpg": JPEG})
    assert contents(patched(data, b"PK\x01\x02", 8, b"\x01\0")) == {"a.jpg": "encrypted"}
    assert contents(patched(data, b"PK\x01\x02", 10, b"\x62\0")) == {
        "a.jpg": "unsupported_compression"
    }


def test_too_large_images_get_a_failed_row() -> None:
    assert contents(zip_of({"a.jpg": JPEG}), "zip", Limits(9, 99, 24)) == {"a.jpg": "too_large"}


def test_limits_stop_the_archive() -> None:
    data = zip_of({"a.jpg": JPEG, "b.jpg": JPEG, "c.txt": JPEG})
    assert code_of(data, Limits(2, 10**9, 10**7)) == "too_many_entries"
    assert code_of(data, Limits(3, 74, 10**7)) == "too_large_unpacked"
    assert len(listed(data, "zip", Limits(3, 75, 10**7))) == 3


def test_a_member_beyond_the_end_is_truncated_and_its_numbers_fit_the_database() -> None:
    data = patched(zip_of({"a.jpg": JPEG}), b"PK\x01\x02", 42, b"\xf0\xff\xff\xff")
    (member,) = listed(data)
    assert member.error_code == "truncated_member"
    assert (member.offset, member.packed_bytes) == (len(data), 0)


def test_damaged_directories_are_corrupt() -> None:
    data = zip_of({"a.jpg": JPEG, "b.jpg": JPEG})
    wrong_count = patched(patched(data, b"PK\x05\x06", 8, b"\x01\0"), b"PK\x05\x06", 10, b"\x01\0")
    assert code_of(wrong_count) == "corrupt_archive"
    assert code_of(patched(data, b"PK\x05\x06", 4, b"\x01\0")) == "corrupt_archive"  # disk 1
    assert code_of(patched(data, b"PK\x01\x02", 34, b"\x01\0")) == "corrupt_archive"  # disk 1
    assert code_of(patched(data, b"PK\x01\x02", 28, b"\xff\xff")) == "corrupt_archive"  # name
    assert code_of(patched(data, b"PK\x05\x06", 12, b"\xff\xff\0\0")) == "corrupt_archive"
    assert code_of(b"") == "corrupt_archive"
    assert code_of(bytes(100_000)) == "corrupt_archive"


def test_a_count_that_ran_over_16_bits_is_accepted() -> None:
    """Old writers without zip64 store the count modulo 65,536."""
    count = 65_537
    entry = struct.pack(
        "<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 1, 1, 5, *[0] * 6
    )
    directory = (entry[:46] + b"a.jpg") * count
    header = b"PK\x03\x04" + bytes(22) + b"\x05\0\0\0a.jpg1"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), len(header), 0)
    assert len(listed(header + directory + end, "zip", Limits(10**6, 10**9, 10))) == count


def test_a_comment_that_looks_like_an_end_does_no_harm() -> None:
    decoy = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 5, 5, 400, 1, 3)
    assert contents(zip_of({"a.jpg": JPEG}, comment=decoy + b"abcd")) == {"a.jpg": JPEG}


def test_an_empty_zip_has_no_images() -> None:
    assert listed(zip_of({})) == []
