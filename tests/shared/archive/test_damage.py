"""Any damage to an archive ends in an ArchiveError or in failed members, and in nothing else."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archives import contents, listed, tar_of, zip_of
from fuzz.targets import read_archive
from hostile.packing import pack
from hostile.zip_writer import Entry, write_zip
from semblante.archive import Limits
from semblante.errors import ArchiveError

FILES = {"a.jpg": b"abc" * 40, "ñ/b.png": b"\x89PNG" + bytes(90), "c": b"\xff\xd8\xff 123"}


def mixed_zip() -> bytes:
    """Return a zip with every method and a zip64 member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for method in (0, 8, 12, 14):
            for name, data in FILES.items():
                archive.writestr(zipfile.ZipInfo(f"{method}/{name}"), data, method)
        with archive.open(zipfile.ZipInfo("64.jpg"), "w", force_zip64=True) as member:
            member.write(b"12345")
        archive.comment = b"a comment"
    return buffer.getvalue()


ZIP = mixed_zip()
RARE = write_zip(
    [
        Entry(b"%d.jpg" % method, b"abc" * 40, method, pack(b"abc" * 40, method))
        for method in (9, 93, 95)
    ]
)
TARS = [tar_of({"n" * 120 + ".jpg": b"1", **FILES}, form) for form in (1, 2)]
assert (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT) == (1, 2)


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x80, 0x01])
@pytest.mark.parametrize("data", [ZIP, RARE], ids=["usual methods", "rare methods"])
def test_every_byte_of_a_zip_replaced(data: bytes, value: int) -> None:
    for at in range(len(data)):
        read_archive(data[:at] + bytes([value]) + data[at + 1 :])


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x80, ord("7")])
@pytest.mark.parametrize("data", TARS, ids=["gnu", "pax"])
def test_every_byte_of_a_tar_s_headers_replaced(data: bytes, value: int) -> None:
    for at in range(4096):
        read_archive(data[:at] + bytes([value]) + data[at + 1 :])


def test_every_truncation_of_a_zip_is_refused() -> None:
    for cut in range(len(ZIP) - 8):
        with pytest.raises(ArchiveError) as caught:
            contents(ZIP[:cut])
        assert caught.value.code == "corrupt_archive"


@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from([ZIP, RARE, *TARS]),
    patches=st.lists(
        st.tuples(st.integers(0, 10**4), st.binary(min_size=1, max_size=8)), max_size=6
    ),
    cut=st.integers(0, 10**4),
)
@example(data=ZIP, patches=[], cut=0)
def test_patches_and_cuts(data: bytes, patches: list[tuple[int, bytes]], cut: int) -> None:
    damaged = bytearray(data)
    for place, value in patches:
        at = place % len(data)
        damaged[at : at + len(value)] = value
    read_archive(bytes(damaged[cut % len(data) :]))


def test_members_over_the_same_bytes_cannot_unpack_beyond_the_limit() -> None:
    """A bomb of overlapping members, 900 MB in 60 KB here, stops at the sum of the sizes."""
    data = zip_of({"0.jpg": bytes(1_000_000)}, 8)
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    directory = data[start:end] * 900
    tail = bytearray(data[end:])
    tail[8:12] = (900).to_bytes(2, "little") * 2
    tail[12:16] = len(directory).to_bytes(4, "little")
    bomb = data[:start] + directory + bytes(tail)
    assert len(bomb) < 60_000
    with pytest.raises(ArchiveError) as caught:
        listed(bomb, "zip", Limits(1000, 899_999_999, 10**7))
    assert caught.value.code == "too_large_unpacked"
