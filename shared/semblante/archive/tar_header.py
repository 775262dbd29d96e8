"""Parses one 512-byte header of a tar (POSIX.1-2001 ustar and pax, and GNU's extensions)."""

from __future__ import annotations

from dataclasses import dataclass

from semblante.archive.directory import corrupt
from semblante.message import Message

BLOCK = 512
_SIGNED = [value - 256 if value > 127 else value for value in range(256)]


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says; `kind` is its type flag."""

    name: str
    size: int
    kind: bytes
    is_continued: bool
    """Whether more blocks of an old GNU sparse map follow."""


def is_header(block: bytes) -> bool:
    """Whether `block` is a tar header: its checksum tells (old writers summed signed bytes)."""
    if len(block) < BLOCK:
        return False
    try:
        stated = read_number(block[148:156])
    except ValueError:
        return False
    rest = block[:148] + b" " * 8 + block[156:BLOCK]
    return stated == sum(rest) or stated == sum(_SIGNED[value] for value in rest)


def parse_header(block: bytes) -> Header:
    """Return what `block` says.

    Raises:
        ArchiveError: `corrupt_archive`, for a wrong checksum or a size that is no number.
    """
    if not is_header(block):
        raise corrupt(Message("a header of the tar is damaged or truncated"))
    try:
        size = read_number(block[124:136])
    except ValueError as error:
        raise corrupt(Message("a header of the tar has a bad size")) from error
    name = read_text(block[:100])
    if block[257:263] == b"ustar\0" and block[345]:
        name = f"{read_text(block[345:500])}/{name}"
    return Header(name, size, block[156:157], block[482] != 0)


def read_number(field: bytes) -> int:
    """Return a number that is never negative: octal digits, or base 256 after a first byte 0x80.

    Raises:
        ValueError: the field holds something else.
    """
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise ValueError("negative")
        return int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
    digits = field.split(b"\0")[0].strip()
    return int(digits, 8) if digits else 0


def read_text(field: bytes) -> str:
    """Return the text before the first NUL; bytes that are not UTF-8 become U+FFFD."""
    return field.split(b"\0")[0].decode("utf-8", "replace")


def parse_pax(body: bytes) -> dict[str, str]:
    """Return the records of a pax extended header: `length key=value` and a newline each.

    Raises:
        ArchiveError: `corrupt_archive`.
    """
    records = {}
    at = 0
    while at < len(body) and body[at] != 0:
        length, _, _ = body[at : at + 8].partition(b" ")
        if not length.isdigit() or not len(length) + 1 < int(length) <= len(body) - at:
            raise corrupt(Message("an extended header of the tar is damaged"))
        record = body[at + len(length) + 1 : at + int(length)]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise corrupt(Message("an extended header of the tar is damaged"))
        records[key.decode("utf-8", "replace")] = value[:-1].decode("utf-8", "replace")
        at += int(length)
    return records
