"""Odd and hostile tars, each with what must become of it; outcomes as in `hostile.zips`."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator

from archives import tar_of
from hostile.zips import PICTURE, Case

FILES = {"a.jpg": PICTURE, "b.jpg": PICTURE}
ALL_OK = {"a.jpg": "ok", "b.jpg": "ok"}
PLAIN = tar_of(FILES)


def _with(**fields: object) -> bytes:
    """Return a tar whose first member says `fields`, and b.jpg behind it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, own in (("a.jpg", fields), ("b.jpg", {})):
            information = tarfile.TarInfo(name)
            for field, value in own.items():
                setattr(information, field, value)
            is_file = information.type in (tarfile.REGTYPE, tarfile.AREGTYPE, b"7", b"S")
            information.size = len(PICTURE) if is_file else 0
            archive.addfile(information, io.BytesIO(PICTURE) if is_file else None)
    return buffer.getvalue()


def _changed(at: int, value: bytes, *, summed: bool = True) -> bytes:
    """Return PLAIN with other bytes in its first header, whose checksum is set right."""
    data = bytearray(PLAIN)
    data[at : at + len(value)] = value
    if summed:
        data[148:156] = b" " * 8
        data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def _pax(**records: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        information = tarfile.TarInfo("a.jpg")
        information.size, information.pax_headers = len(PICTURE), records
        archive.addfile(information, io.BytesIO(PICTURE))
    return buffer.getvalue()


def _cuts() -> Iterator[tuple[str, Case]]:
    member = 512 + -(-len(PICTURE) // 512) * 512
    for at in (100, 511, 600, member - 1, member + 1, 2 * member - 512):
        code = "not_an_archive" if at < 512 else "corrupt_archive"
        yield f"cut at {at}", (PLAIN[:at], code)
    yield "cut behind a member", (PLAIN[:member], {"a.jpg": "ok"})


CASES: dict[str, Case] = {
    **{
        f"format {form}": (tar_of(FILES, form), ALL_OK)
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    },
    **{
        f"type {kind!r}": (_with(type=kind, linkname="/etc/passwd"), {"b.jpg": "ok"})
        for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"V", b"M")
    },
    **dict(_cuts()),
    "contiguous file": (_with(type=b"7"), ALL_OK),
    "GNU sparse": (_with(type=b"S"), {"a.jpg": "unsupported_compression", "b.jpg": "ok"}),
    "pax sparse": (
        _pax(**{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s.jpg"}),
        {"s.jpg": "unsupported_compression"},
    ),
    "long name": (_with(name="f" * 120 + "/a.jpg"), {"f" * 120 + "/a.jpg": "ok", "b.jpg": "ok"}),
    "too long a name": (
        _with(name="f" * 5000 + ".jpg"),
        {"f" * 1024: "unsafe_path", "b.jpg": "ok"},
    ),
    **{
        f"unsafe name {name}": (_with(name=name), {name: "unsafe_path", "b.jpg": "ok"})
        for name in ("/a.jpg", "../a.jpg", "a/../../a.jpg", "..\\a.jpg", "C:/a.jpg", "x/NUL.jpg")
    },
    "duplicate": (_with(name="b.jpg"), {"b.jpg": "ok", "b.jpg (2)": "duplicate_path"}),
    "pax path that climbs": (_pax(path="../../x.jpg"), {"../../x.jpg": "unsafe_path"}),
    "pax path with NUL": (_pax(path="a\0b.jpg"), {"a\ufffdb.jpg": "unsafe_path"}),
    "pax size of nonsense": (_pax(size="-5"), "corrupt_archive"),
    "pax size of 2**70": (_pax(size=str(2**70)), "corrupt_archive"),
    "wrong checksum": (_changed(0, b"x", summed=False), "not_an_archive"),
    "negative size": (_changed(124, b"\xff" * 12), "corrupt_archive"),
    "impossible size": (_changed(124, b"\x80" + b"\x7f" * 11), "corrupt_archive"),
    "size of nonsense": (_changed(124, b"nonsense"), "corrupt_archive"),
    "an empty image": (tar_of({"a.jpg": b""}), {"a.jpg": "unsupported_format"}),
    "zeros": (bytes(10240), "not_an_archive"),
    "no end": (PLAIN.rstrip(b"\0") + bytes(512 - len(PLAIN.rstrip(b"\0")) % 512), ALL_OK),
    "rubbish behind the end": (PLAIN + b"rubbish" * 99, ALL_OK),
    "gzip": (gzip.compress(PLAIN), ALL_OK),
    "gzip in two members": (gzip.compress(PLAIN[:700]) + gzip.compress(PLAIN[700:]), ALL_OK),
    "rubbish behind gzip": (gzip.compress(PLAIN) + b"rubbish" * 99, ALL_OK),
    "a damaged member behind gzip": (gzip.compress(PLAIN) + b"\x1f\x8brubbish", "corrupt_archive"),
    "gzip cut": (gzip.compress(PLAIN)[:-9], "corrupt_archive"),
    "gzip damaged": (gzip.compress(PLAIN)[:-8] + bytes(8), "corrupt_archive"),
    "gzip of a picture": (gzip.compress(PICTURE), "not_an_archive"),
    "gzip of gzip": (gzip.compress(gzip.compress(PLAIN)), "not_an_archive"),
    "bzip2": (bz2.compress(PLAIN), "not_an_archive"),
    "xz": (lzma.compress(PLAIN), "not_an_archive"),
}
