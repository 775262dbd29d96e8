"""Where a zip keeps its central directory (PKWARE APPNOTE 6.3.10, sections 4.3.14 to 4.3.16)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from semblante.archive.source import Source
from semblante.errors import ArchiveError
from semblante.message import Message

ENTRY_SIGNATURE = b"PK\x01\x02"
_END_SIGNATURE = b"PK\x05\x06"
_END = struct.Struct("<4s4H2LH")
_END64_SIGNATURE = b"PK\x06\x06"
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_LOCATOR = struct.Struct("<4sLQL")
_MOST_COMMENT = 0xFFFF
_MOST_CANDIDATES = 8
"""End records that are tried; more than one looks like one only in odd or hostile comments."""


_MOST_PARTS = 1000
"""`zip -s` and others number parts .z01 to .z999."""


@dataclass(frozen=True)
class Directory:
    """The central directory: `start` is absolute in the source, `size` in bytes.

    `shift` is what must be added to the offsets in it, because bytes were put before the zip (a
    program that unpacks itself). `count` is modulo 65,536 unless `has_zip64`: old writers of big
    archives let it run over.
    """

    start: int
    size: int
    count: int
    shift: int
    has_zip64: bool


@dataclass(frozen=True)
class _End:
    """What an end record says; `position` is its own, where the directory should end."""

    position: int
    disks: tuple[int, int]
    count: int
    size: int
    offset: int
    has_zip64: bool


def is_zip(source: Source) -> bool:
    """Whether `source` ends like a zip, whatever it begins with (a program that unpacks itself).

    So does the last of several parts, which begins anywhere.
    """
    try:
        find_directory(source)
    except ArchiveError:
        return any(_is_of_parts(end) for end in _end_candidates(source)[:1])
    return True


def find_directory(source: Source) -> Directory:
    """Return where the central directory lies.

    Raises:
        ArchiveError: `corrupt_archive`, when there is none or the archive has several parts.
    """
    candidates = _end_candidates(source)
    if not candidates:
        raise corrupt(Message("its end is missing: the archive is truncated"))
    problem = corrupt(Message("its directory is not where its end says"))
    for end in candidates:
        try:
            return _locate(source, _widen(source, end))
        except ArchiveError as error:
            problem = error
    raise problem


def corrupt(what: Message) -> ArchiveError:
    """Return the error of an archive that cannot be read."""
    return ArchiveError("corrupt_archive", "The archive cannot be read: %(what)s.", what=what)


def _end_candidates(source: Source) -> list[_End]:
    """Return the end records in the tail of `source`, those whose comment fits exactly first."""
    length = min(source.size, _END.size + _MOST_COMMENT)
    tail_start = source.size - length
    tail = source.read(tail_start, length)
    exact, loose = [], []
    at = len(tail)
    while (at := tail.rfind(_END_SIGNATURE, 0, at)) >= 0:
        if at + _END.size > len(tail):
            continue
        _, disk, first_disk, _, count, size, offset, comment = _END.unpack_from(tail, at)
        end = _End(tail_start + at, (disk, first_disk), count, size, offset, False)
        rest = len(tail) - at - _END.size - comment
        if rest == 0:
            exact.append(end)
        elif rest > 0:  # bytes after the archive
            loose.append(end)
    return (exact + loose)[:_MOST_CANDIDATES]


def _is_of_parts(end: _End) -> bool:
    """Whether a true end says that it is of several parts: one by chance has impossible sizes."""
    return 0 < end.disks[0] < _MOST_PARTS and 0 < end.count * 46 <= end.size


def _widen(source: Source, end: _End) -> _End:
    """Return zip64's end record where there is one, else `end`."""
    position = end.position - _LOCATOR.size
    raw = source.read(position, _LOCATOR.size) if position >= 0 else b""
    if raw[:4] != _LOCATOR_SIGNATURE:
        return end
    _, disk, offset, disks = _LOCATOR.unpack(raw)
    # The record's own place says more than its stored offset when bytes were put before the zip.
    for place in (position - _END64.size, offset):
        record = source.read(place, _END64.size) if 0 <= place < source.size else b""
        if record[:4] == _END64_SIGNATURE and len(record) == _END64.size:
            *_, this_disk, first_disk, _, count, size, start = _END64.unpack(record)
            several = (this_disk, first_disk) if disk == 0 and disks <= 1 else (1, 1)
            return _End(place, several, count, size, start, True)
    if 0xFFFFFFFF in (end.size, end.offset) or end.count == 0xFFFF:
        raise corrupt(Message("its zip64 end record is missing"))
    return end


def _locate(source: Source, end: _End) -> Directory:
    if end.disks != (0, 0):
        raise corrupt(Message("it is one part of several; join the parts first"))
    if end.count * 46 > end.size or end.size > end.position:
        raise corrupt(Message("its directory has an impossible size"))
    start = end.position - end.size
    if end.size == 0:
        return Directory(start, 0, end.count, 0, end.has_zip64)
    shifts = [start - end.offset, 0] if start >= end.offset else []
    for shift in shifts:
        place = end.offset + shift
        if source.read(place, 4) == ENTRY_SIGNATURE:
            return Directory(place, end.size, end.count, shift, end.has_zip64)
    raise corrupt(Message("its directory is not where its end says"))
