"""Writes zips that no honest writer makes: every field can be wrong (PKWARE APPNOTE 6.3.10)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

FULL_16, FULL_32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True)
class Entry:
    """A member: `data` unpacked, `packed` as it lies there; None means what is true."""

    name: bytes
    data: bytes
    method: int = 0
    packed: bytes | None = None
    flags: int = 0
    system: int = 3
    mode: int = 0o100644
    extra: bytes = b""
    crc32: int | None = None
    packed_bytes: int | None = None
    unpacked_bytes: int | None = None
    offset: int | None = None
    disk: int = 0
    signature: bytes = b"PK\x03\x04"
    local_sizes: bool = True
    """False leaves crc and sizes of the local header zero, as a writer to a pipe does."""
    descriptor: bytes = b""

    @property
    def body(self) -> bytes:
        """The bytes behind the local header."""
        return self.data if self.packed is None else self.packed


def descriptor(entry: Entry, *, signed: bool) -> bytes:
    """Return the record behind the data of an entry that was written to a pipe."""
    sizes = struct.pack("<LLL", zlib.crc32(entry.data), len(entry.body), len(entry.data))
    return (b"PK\x07\x08" if signed else b"") + sizes


def write_zip(
    entries: Sequence[Entry],
    *,
    before: bytes = b"",
    gap: bytes = b"",
    comment: bytes = b"",
    after: bytes = b"",
    shifted: bool = True,
    disk: int = 0,
    count: int | None = None,
    zip64: bool = False,
    signature: bytes = b"",
) -> bytes:
    """Return a zip of `entries`.

    Args:
        entries: The members, in the order of the directory.
        before: Bytes before the first member.
        gap: Bytes between the last member and the directory.
        comment: The archive's.
        after: Bytes behind the end.
        shifted: Whether offsets count from the file's begin, not from the first member's.
        disk: Number of this part, as the end says.
        count: Number of members, as the end says.
        zip64: Whether a zip64 end stands before the end, which then tells nothing.
        signature: Of the archive: the last record of its directory.
    """
    body, directory = bytearray(before), b""
    for entry in entries:
        place = len(body)
        body += _local(entry) + entry.body + entry.descriptor
        directory += _central(entry, place if shifted else place - len(before))
    body += gap
    start = len(body) if shifted else len(body) - len(before)
    number = len(entries) if count is None else count
    directory += signature
    body += directory
    if zip64:
        position = len(body)
        body += struct.pack(
            "<4sQHHLLQQQQ",
            *(b"PK\x06\x06", 44, 45, 45, 0, 0, number, number, len(directory), start),
        )
        body += struct.pack("<4sLQL", b"PK\x06\x07", 0, position, 1)
        number, size, start = FULL_16, FULL_32, FULL_32
    else:
        size = len(directory)
    end = (b"PK\x05\x06", disk, disk, number, number, size, start, len(comment))
    return bytes(body) + struct.pack("<4s4H2LH", *end) + comment + after


def _facts(entry: Entry) -> tuple[int, int, int]:
    crc = zlib.crc32(entry.data) if entry.crc32 is None else entry.crc32
    packed = len(entry.body) if entry.packed_bytes is None else entry.packed_bytes
    unpacked = len(entry.data) if entry.unpacked_bytes is None else entry.unpacked_bytes
    return crc, packed, unpacked


def _local(entry: Entry) -> bytes:
    facts = _facts(entry) if entry.local_sizes else (0, 0, 0)
    fields = (entry.signature, 45, entry.flags, entry.method, 0, 33, *facts, len(entry.name), 0)
    return struct.pack("<4s5H3L2H", *fields) + entry.name


def _central(entry: Entry, place: int) -> bytes:
    lengths = (len(entry.name), len(entry.extra), 0)
    offset = place if entry.offset is None else entry.offset
    fields = (
        *(b"PK\x01\x02", 45, entry.system, 45, 0, entry.flags, entry.method, 0, 33),
        *(*_facts(entry), *lengths, entry.disk, 0, entry.mode << 16, offset),
    )
    return struct.pack("<4s4B4H3L5H2L", *fields) + entry.name + entry.extra
