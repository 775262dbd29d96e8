"""Any damage to an archive ends in an ArchiveError or in failed members, and in nothing else."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archives import contents, listed, tar_of, zip_of
from semblante.archive import BytesSource, Limits, detect_kind
from semblante.errors import IMAGE_ERROR_CODES, JOB_ERROR_CODES, ArchiveError

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
TARS = [tar_of({"n" * 120 + ".jpg": b"1", **FILES}, form) for form in (1, 2)]
assert (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT) == (1, 2)


def check(data: bytes) -> None:
    """Read all of `data`; anything but the documented failures propagates."""
    outcomes: dict[str, bytes | str] = {}
    code = "corrupt_archive"
    try:
        kind = detect_kind(BytesSource(data))
        outcomes = contents(data, kind) if kind != "tar.gz" else {}
    except ArchiveError as error:
        code = error.code
    assert code in JOB_ERROR_CODES
    codes = {outcome for outcome in outcomes.values() if isinstance(outcome, str)}
    assert codes <= set(IMAGE_ERROR_CODES)


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x80, 0x01])
def test_every_byte_of_a_zip_replaced(value: int) -> None:
    for at in range(len(ZIP)):
        check(ZIP[:at] + bytes([value]) + ZIP[at + 1 :])


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x80, ord("7")])
@pytest.mark.parametrize("data", TARS, ids=["gnu", "pax"])
def test_every_byte_of_a_tar_s_headers_replaced(data: bytes, value: int) -> None:
    for at in range(4096):
        check(data[:at] + bytes([value]) + data[at + 1 :])


def test_every_truncation_of_a_zip_is_refused() -> None:
    for cut in range(len(ZIP) - 8):
        with pytest.raises(ArchiveError) as caught:
            contents(ZIP[:cut])
        assert caught.value.code == "corrupt_archive"


@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from([ZIP, *TARS]),
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
    check(bytes(damaged[cut % len(data) :]))


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
