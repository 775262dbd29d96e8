"""Streams the images out of a zip's central directory (PKWARE APPNOTE 6.3.10, section 4.3.12).

Our own, because `zipfile.ZipFile` keeps about half a kilobyte per member in memory. Members that
share bytes of the archive are listed, and the listing says that there may be some: finding them
takes a sort, which the index leaves to the database.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from semblante.archive import names
from semblante.archive.directory import Directory, corrupt, find_directory
from semblante.archive.magic import MAGIC_BYTES, looks_like_image
from semblante.archive.member import Limits, Listing, Member, Tally, too_many_entries
from semblante.archive.source import BufferedSource, Source
from semblante.archive.unpack import READABLE_METHODS, unpack_head
from semblante.archive.zip_entries import entries, widen
from semblante.archive.zip_header import LOCAL_HEADER_BYTES, data_start
from semblante.errors import ImageError
from semblante.message import Message

_ENCRYPTED = 0x1 | 0x40 | 0x2000
_AES = 99
"""WinZip's method of encrypted members; the true one is in an extra field."""
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_UNIX = 3
_FILE_KINDS = (0, stat.S_IFREG >> 12)
"""The upper four bits of a Unix mode that say neither link, nor folder, nor device."""
_SNIFFED_PACKED_BYTES = 4096


def list_zip(source: Source, limits: Limits) -> Listing:
    """Return the images of the zip in `source`.

    Raises:
        ArchiveError: `corrupt_archive` or `too_many_entries`; iterating may raise them and
            `too_large_unpacked`.
    """
    directory = find_directory(source)
    if directory.count > limits.max_entries:
        raise too_many_entries(limits.max_entries)
    tally = Tally(limits, source.size)
    return Listing(_members(source, directory, tally, limits), tally)


def _members(
    source: Source, directory: Directory, tally: Tally, limits: Limits
) -> Iterator[Member]:
    sniffed, most = BufferedSource(source), limits.max_name_characters
    for fields, raw, extra in entries(source, directory):
        _, system, flags, method, crc32, packed, unpacked, _, _, _, disk, attributes, offset = (
            fields
        )
        if _FULL_32 in (packed, unpacked, offset):
            packed, unpacked, offset = widen(extra, packed, unpacked, offset)
        if disk not in (0, _FULL_16):
            raise corrupt(Message("it is one part of several; join the parts first"))
        tally.add(unpacked)
        plain = names.plain_image_name(raw, extra)
        path = plain or names.decode_zip_name(raw, flags, extra, system)
        is_image = plain is not None or names.is_image_name(path)
        if is_image is False or (system == _UNIX and attributes >> 28 not in _FILE_KINDS):
            tally.skipped += 1
            continue
        is_safe = len(path) <= most if plain else not names.is_unsafe(path, most)
        error = _error(is_safe, flags, method, unpacked, limits)
        offset += directory.shift
        if offset + packed > source.size:  # also keeps hostile numbers within the database's range
            offset = min(offset, source.size)
            packed = min(packed, source.size - offset)
            error = error or "truncated_member"
        if error == "unsafe_path":
            path = names.storable(path, most)
        member = Member(path, offset, packed, unpacked, crc32, None, method, error)
        if is_image is None and not _begins_like_image(sniffed, member, flags):
            tally.skipped += 1
            continue
        tally.occupy(offset, offset + LOCAL_HEADER_BYTES + packed)
        yield member


def _error(
    is_safe: bool, flags: int, method: int, unpacked_bytes: int, limits: Limits
) -> str | None:
    """Return the code of what makes an image unusable before its bytes are seen."""
    if not is_safe:
        return "unsafe_path"
    if flags & _ENCRYPTED or method == _AES:
        return "encrypted"
    if unpacked_bytes > limits.max_image_bytes:
        return "too_large"
    return None if method in READABLE_METHODS else "unsupported_compression"


def _begins_like_image(source: BufferedSource, member: Member, flags: int) -> bool:
    """Whether the bytes of `member`, whose extension says nothing, begin like an image's."""
    if flags & _ENCRYPTED or member.method not in READABLE_METHODS:
        return False
    start = data_start(source.read(member.offset, LOCAL_HEADER_BYTES), member.offset)
    if start is None:
        return False
    packed = source.read(start, min(member.packed_bytes, _SNIFFED_PACKED_BYTES))
    try:
        head = unpack_head(packed, member.method, min(MAGIC_BYTES, member.unpacked_bytes))
    except ImageError:
        return False
    return looks_like_image(head)
