"""Streams the images out of a tar, reading headers and seeking over the data.

Our own, because Python's `tarfile` reads hostile extended headers in quadratic time and runs for
ever on negative sizes (CVE-2024-6232 and CVE-2025-8194, both open in Python 3.11.7), and ends
without a word at a damaged header.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from zlib import crc32

from semblante.archive import names
from semblante.archive.directory import corrupt
from semblante.archive.magic import MAGIC_BYTES, looks_like_image
from semblante.archive.member import TAIL_BYTES, Limits, Listing, Member, Method, Tally
from semblante.archive.source import BufferedSource, Source
from semblante.archive.tar_header import BLOCK, Header, parse_header, parse_pax, read_text
from semblante.message import Message

_MOST_EXTENDED_BYTES = 1024 * 1024
_FILES = frozenset((b"0", b"\0", b"7"))
_WITHOUT_DATA = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_LONG_NAME, _LONG_LINK, _SPARSE = b"L", b"K", b"S"
_PAX, _PAX_SOLARIS, _PAX_GLOBAL = b"x", b"X", b"g"


@dataclass
class _Extended:
    """What extended headers say of the next member, and of all members after them."""

    records: dict[str, str] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TarEntry:
    """A member of the tar: `offset` is where its data begins."""

    name: str
    offset: int
    size: int
    is_file: bool
    is_sparse: bool


def list_tar(source: Source, limits: Limits) -> Listing:
    """Return the images of the plain tar in `source`.

    Iterating may raise ArchiveError: `corrupt_archive`, `too_many_entries`, `too_large_unpacked`.
    """
    tally = Tally(limits, source.size)
    return Listing(_members(BufferedSource(source), tally, limits), tally)


def _members(source: BufferedSource, tally: Tally, limits: Limits) -> Iterator[Member]:
    for entry in tar_entries(source):
        tally.add(entry.size)
        path = names.without_dot_folder(entry.name)
        is_image = names.is_image_name(path) if entry.is_file else False
        if is_image is None:
            head = source.read(entry.offset, min(MAGIC_BYTES, entry.size))
            is_image = looks_like_image(head)
        if not is_image:
            tally.skipped += 1
            continue
        error = None
        if names.is_unsafe(path, limits.max_name_characters):
            path, error = names.storable(path, limits.max_name_characters), "unsafe_path"
        elif entry.is_sparse:
            error = "unsupported_compression"
        elif entry.size > limits.max_image_bytes:
            error = "too_large"
        tail = _tail_crc32(source, entry) if error is None else None
        yield Member(path, entry.offset, entry.size, entry.size, None, tail, Method.PLAIN, error)


def _tail_crc32(source: BufferedSource, entry: TarEntry) -> int:
    """Return the checksum of the bytes before the next header, which is read anyway."""
    length = min(TAIL_BYTES, entry.size)
    return crc32(source.read(entry.offset + entry.size - length, length))


def tar_entries(source: BufferedSource) -> Iterator[TarEntry]:
    """Yield every member, with extended headers applied.

    The end is a block of zeros, or the end of the source behind a whole member.

    Raises:
        ArchiveError: `corrupt_archive`.
    """
    at = 0
    extended = _Extended()
    while at < source.size:
        block = source.read(at, BLOCK)
        if not any(block) and len(block) == BLOCK:
            return
        header = parse_header(block)
        at += BLOCK
        if header.kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_SOLARIS, _PAX_GLOBAL):
            at = _read_extended(source, at, header, extended)
            continue
        if header.kind == _SPARSE:
            at = _skip_sparse_map(source, at, header)
        entry = _entry(header, at, extended)
        extended.records = {}
        at += _padded(0 if header.kind in _WITHOUT_DATA else entry.size)
        if at > source.size:
            raise corrupt(Message("the tar is truncated"))
        yield entry


def _entry(header: Header, at: int, extended: _Extended) -> TarEntry:
    records = extended.always | extended.records if extended.always else extended.records
    name, size = header.name, header.size
    if records:
        name = records.get("GNU.sparse.name") or records.get("path") or name
        size = _pax_size(records, size)
    if header.kind in _WITHOUT_DATA:
        size = 0
    is_sparse = header.kind == _SPARSE or any(key.startswith("GNU.sparse") for key in records)
    is_file = header.kind in _FILES or is_sparse
    return TarEntry(name, at, size, is_file, is_sparse)


def _pax_size(records: dict[str, str], size: int) -> int:
    text = records.get("size")
    if text is None:
        return size
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise corrupt(Message("a header of the tar has a bad size"))
    return int(text)


def _read_extended(source: BufferedSource, at: int, header: Header, extended: _Extended) -> int:
    """Take the extended header whose body is at `at`; return where the next header is."""
    if header.size > _MOST_EXTENDED_BYTES:
        raise corrupt(Message("an extended header of the tar is too long"))
    body = source.read(at, header.size)
    if len(body) < header.size:
        raise corrupt(Message("the tar is truncated"))
    if header.kind == _LONG_NAME:
        extended.records["path"] = read_text(body)
    elif header.kind == _PAX_GLOBAL:
        extended.always |= parse_pax(body)
    elif header.kind != _LONG_LINK:
        extended.records |= parse_pax(body)
    return at + _padded(header.size)


def _skip_sparse_map(source: BufferedSource, at: int, header: Header) -> int:
    is_continued = header.is_continued
    while is_continued:
        block = source.read(at, BLOCK)
        if len(block) < BLOCK:
            raise corrupt(Message("the tar is truncated"))
        is_continued = block[504] != 0
        at += BLOCK
    return at


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
