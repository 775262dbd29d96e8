"""Parses a zip's central directory, a window at a time (PKWARE APPNOTE 6.3.10, section 4.3.12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from semblante.archive.directory import Directory, corrupt
from semblante.archive.names import find_extra
from semblante.archive.source import MOST_WINDOW, Source
from semblante.message import Message

_ENTRY = struct.Struct("<LxBxxHH4xLLLHHHH2xLL")
_ENTRY_NUMBER = 0x02014B50
_ENTRY_START = _ENTRY_NUMBER.to_bytes(4, "little")
_SIGNATURE_START = b"PK\x05\x05"
_FULL_32 = 0xFFFFFFFF
_ZIP64 = 0x0001

Fields = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]
"""signature, system, flags, method, crc32, packed, unpacked, lengths of name, extra and comment,
disk, attributes, offset."""


def entries(source: Source, directory: Directory) -> Iterator[tuple[Fields, bytes, bytes]]:
    """Yield each entry's fields, raw name and extra fields, a window of the directory at a time."""
    position, end = directory.start, directory.start + directory.size
    window, at, count = b"", 0, 0
    unpack_from, fixed = _ENTRY.unpack_from, _ENTRY.size
    while position < end or at < len(window):
        if _ends_at(window, at):
            break
        # An entry has at most 46 + 3 * 65,535 bytes: a refilled window holds one in any case.
        if position < end:
            more = source.read(position, min(MOST_WINDOW, end - position))
            position += len(more)
            window, at = window[at:] + more, 0
            if not more:
                raise corrupt(Message("its directory is truncated"))
        elif at + fixed > len(window):
            raise corrupt(Message("its directory is truncated"))
        while at + fixed <= len(window):
            fields: Fields = unpack_from(window, at)
            if fields[0] != _ENTRY_NUMBER:
                break
            name = at + fixed
            extra = name + fields[7]
            comment = extra + fields[8]
            following = comment + fields[9]
            if following > len(window):
                if position >= end:
                    raise corrupt(Message("its directory is truncated"))
                break
            at = following
            count += 1
            yield fields, window[name:extra], window[extra:comment]
    _check_count(count, directory)


def _check_count(count: int, directory: Directory) -> None:
    """Compare the entries found with what the end says, where zip64 is missing modulo 65,536."""
    if count != directory.count and (directory.has_zip64 or count % 0x10000 != directory.count):
        raise corrupt(
            Message(
                "it has %(found)s members, but says that it has %(said)s",
                found=count,
                said=directory.count,
            )
        )


def _ends_at(window: bytes, at: int) -> bool:
    """Whether no entry is there but the archive's digital signature (4.3.13), the last of all."""
    start = window[at : at + len(_ENTRY_START)]
    if len(start) == len(_ENTRY_START) and start not in (_ENTRY_START, _SIGNATURE_START):
        raise corrupt(Message("its directory is damaged"))
    return start == _SIGNATURE_START


def widen(extra: bytes, packed: int, unpacked: int, offset: int) -> tuple[int, int, int]:
    """Take the sizes and the offset that do not fit 32 bits from zip64's field (APPNOTE 4.5.3)."""
    field = find_extra(extra, _ZIP64) or b""
    values = [int.from_bytes(field[at : at + 8], "little") for at in range(0, len(field) - 7, 8)]
    values.reverse()
    if unpacked == _FULL_32 and values:
        unpacked = values.pop()
    if packed == _FULL_32 and values:
        packed = values.pop()
    if offset == _FULL_32 and values:
        offset = values.pop()
    return packed, unpacked, offset
