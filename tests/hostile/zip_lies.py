"""Zips whose records contradict each other, each with what must become of it (`hostile.zips`)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

from hostile.packing import pack
from hostile.zip_writer import FULL_16, FULL_32, Entry, write_zip
from hostile.zips import ALL_OK, PICTURE, PLAIN, A, B, C, Case, Outcome

DIRECTORY = PLAIN.index(b"PK\x01\x02")
END = PLAIN.index(b"PK\x05\x06")
SIZES = struct.pack("<QQ", len(PICTURE), len(PICTURE))
ZIP64 = write_zip([A, B, C], zip64=True)
END64 = ZIP64.index(b"PK\x06\x06")
LOCATOR = ZIP64.index(b"PK\x06\x07")


def _patched(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def _first(outcome: str) -> dict[str, str]:
    return ALL_OK | {"a.jpg": outcome}


def _extra(number: int, body: bytes) -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def _wide(extra: bytes, **full: int) -> bytes:
    return write_zip([replace(A, extra=extra, **full), B, C])  # type: ignore[arg-type]


def _piped(entry: Entry, *, signed: bool, wide: bool, crc32: int | None = None) -> Entry:
    checksum = zlib.crc32(entry.data) if crc32 is None else crc32
    facts = (checksum, len(entry.body), len(entry.data))
    record = (b"PK\x07\x08" if signed else b"") + struct.pack("<LQQ" if wide else "<LLL", *facts)
    return replace(entry, flags=8, local_sizes=False, descriptor=record)


def _local() -> dict[str, Case]:
    """The directory counts, not what the local header of a.jpg says; its lengths must be true."""
    patches: dict[str, tuple[int, bytes, Outcome]] = {
        "flags": (6, b"\x01\x00", ALL_OK),
        "method": (8, b"\x08\x00", ALL_OK),
        "checksum": (14, bytes(4), ALL_OK),
        "sizes": (18, b"\xff" * 8, ALL_OK),
        "name": (30, b"z", ALL_OK),
        "length of the name": (26, b"\x50\x00", _first("crc_mismatch")),
        "length of the name to the end": (26, b"\xff\xff", _first("truncated_member")),
        "length of the extra fields": (28, b"\x10\x00", _first("crc_mismatch")),
    }
    return {
        f"local header: {name}": (_patched(PLAIN, at, value), outcome)
        for name, (at, value, outcome) in patches.items()
    }


def _central() -> dict[str, Case]:
    patches: dict[str, tuple[int, bytes, Outcome]] = {
        "version needed": (6, b"\xff\xff", ALL_OK),
        "date": (12, b"\xff" * 4, ALL_OK),
        "checksum of zero": (16, bytes(4), _first("crc_mismatch")),
        "packed size of zero": (20, bytes(4), _first("corrupt_member")),
        "sizes of zero": (20, bytes(8), _first("unsupported_format")),
        "sizes that zip64 should tell": (20, b"\xff" * 8, "too_large_unpacked"),
        "length of the name": (28, b"\0\0", "corrupt_archive"),
        "length of the extra fields": (30, b"\xff\xff", "corrupt_archive"),
        "length of the comment": (32, b"\xff\xff", "corrupt_archive"),
        "offset that zip64 should tell": (42, b"\xff" * 4, _first("truncated_member")),
    }
    return {
        f"directory: {name}": (_patched(PLAIN, DIRECTORY + at, value), outcome)
        for name, (at, value, outcome) in patches.items()
    }


def _end() -> dict[str, Case]:
    size, none = END - DIRECTORY, dict.fromkeys(ALL_OK, "corrupt_member")
    patches: dict[str, tuple[int, bytes, Outcome]] = {
        "members of this part": (8, b"\x01\x00", ALL_OK),
        "no members": (8, bytes(4), "corrupt_archive"),
        "all members": (8, b"\xff" * 4, "corrupt_archive"),
        "size too large": (12, struct.pack("<L", size + 1), "corrupt_archive"),
        "size too small": (12, struct.pack("<L", size - 1), "corrupt_archive"),
        "offset too small": (16, struct.pack("<L", DIRECTORY - 1), none),
        "offset that zip64 should tell": (16, b"\xff" * 4, "corrupt_archive"),
        "comment that is not there": (20, b"\x10\x00", "corrupt_archive"),
    }
    return {
        f"end: {name}": (_patched(PLAIN, END + at, value), outcome)
        for name, (at, value, outcome) in patches.items()
    }


WIDE: dict[str, Case] = {
    "zip64: offset alone": (_wide(_extra(1, bytes(8)), offset=FULL_32), ALL_OK),
    "zip64: unpacked size alone": (_wide(_extra(1, SIZES[:8]), unpacked_bytes=FULL_32), ALL_OK),
    "zip64: packed size alone": (_wide(_extra(1, SIZES[:8]), packed_bytes=FULL_32), ALL_OK),
    "zip64: behind other fields": (
        _wide(_extra(0x5455, b"\1time") + _extra(1, SIZES[:8]), packed_bytes=FULL_32),
        ALL_OK,
    ),
    "zip64: a field that is not needed": (_wide(_extra(1, b"\1" * 16)), ALL_OK),
    "zip64: a field twice": (
        _wide(_extra(1, SIZES[:8]) + _extra(1, b"\1" * 8), packed_bytes=FULL_32),
        ALL_OK,
    ),
    "zip64: a field cut": (
        _wide(_extra(1, SIZES[:5]), packed_bytes=FULL_32),
        _first("truncated_member"),
    ),
    "zip64: number of the part": (
        _wide(_extra(1, SIZES + bytes(4)), unpacked_bytes=FULL_32, disk=FULL_16),
        ALL_OK,
    ),
    **{
        f"zip64: {name} of 2**{power}": (
            _wide(_extra(1, struct.pack("<Q", 2**power - (power == 64))), **{field: FULL_32}),
            _first("truncated_member"),
        )
        for name, field in (("offset", "offset"), ("packed size", "packed_bytes"))
        for power in (63, 64)
    },
    "zip64: an end with more than is known": (
        ZIP64[:END64] + b"PK\x06\x06" + struct.pack("<Q", 54) + ZIP64[END64 + 12 : LOCATOR]
        + b"x" * 10 + ZIP64[LOCATOR:],
        ALL_OK,
    ),
    "zip64: an end of 2**40 members": (
        _patched(ZIP64, END64 + 32, struct.pack("<Q", 2**40)),
        "corrupt_archive",
    ),
    "zip64: a directory of 2**63 bytes": (
        _patched(ZIP64, END64 + 40, struct.pack("<Q", 2**63)),
        "corrupt_archive",
    ),
    "zip64: a directory at 2**63": (
        _patched(ZIP64, END64 + 48, struct.pack("<Q", 2**63)),
        "corrupt_archive",
    ),
    "zip64: an end of two parts": (
        _patched(ZIP64, LOCATOR + 16, struct.pack("<L", 2)),
        "corrupt_archive",
    ),
}  # fmt: skip

PACKED: dict[str, Case] = {
    **{
        f"descriptor: signed {signed}, wide {wide}": (
            write_zip([_piped(one, signed=signed, wide=wide) for one in (A, B, C)]),
            ALL_OK,
        )
        for signed in (False, True)
        for wide in (False, True)
    },
    "descriptor that is missing": (
        write_zip([replace(A, flags=8, local_sizes=False), B, C]),
        ALL_OK,
    ),
    "descriptor with a wrong checksum": (
        write_zip([_piped(A, signed=True, wide=False, crc32=5), B, C]),
        ALL_OK,
    ),
    **{
        f"bytes behind those of method {number}": (
            write_zip([replace(A, method=number, packed=pack(PICTURE, number) + b"junk"), B, C]),
            ALL_OK,
        )
        for number in (8, 9, 12, 14, 93, 95)
    },
    **{
        f"nothing packed by method {number}": (
            write_zip([replace(A, method=number, packed=b""), B, C]),
            _first("corrupt_member"),
        )
        for number in (0, 8, 9, 12, 14, 93, 95)
    },
    "zlib's own header": (
        write_zip([replace(A, method=8, packed=zlib.compress(PICTURE)), B, C]),
        _first("corrupt_member"),
    ),
    "a part's marker before": (b"PK00" + PLAIN, ALL_OK),
    "the last of several parts": (
        _patched(PLAIN, END + 4, b"\x03\x00\x03\x00")[DIRECTORY - 60 :],
        "corrupt_archive",
    ),
    "a signed directory": (
        PLAIN[:END] + b"PK\x05\x05\x04\x00sign" + PLAIN[END:],
        ALL_OK,
    ),
}  # fmt: skip

CASES: dict[str, dict[str, Case]] = {
    "records": _local() | _central() | _end(),
    "zip64": WIDE,
    "packed": PACKED,
}
