"""A member of an upload that is an image, and the limits that an upload must keep."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

from semblante.archive.names import MOST_CHARACTERS
from semblante.errors import ArchiveError
from semblante.settings import Settings

UNSUSPICIOUS_BYTES = 1024**3
"""What any upload may unpack to, however small it is: seconds of work, and never all in memory."""

TAIL_BYTES = 512


class Method(IntEnum):
    """How a member's bytes are packed: zip's numbers (APPNOTE 4.4.5), and PLAIN for no zip."""

    PLAIN = -1
    """The bytes lie at `offset` as they are: a member of a tar, or the upload itself."""
    STORED = 0
    DEFLATED = 8
    DEFLATED64 = 9
    BZIP2 = 12
    LZMA = 14
    ZSTANDARD = 93
    XZ = 95


@dataclass(frozen=True)
class Limits:
    """What an upload may hold at most; by itself, it may unpack to any multiple of its size."""

    max_entries: int
    max_unpacked_bytes: int
    max_image_bytes: int
    max_unpacked_ratio: float = math.inf
    max_name_characters: int = MOST_CHARACTERS

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """Return the limits that `settings` sets."""
        return cls(
            max_entries=settings.max_archive_entries,
            max_unpacked_bytes=settings.max_unpacked_bytes,
            max_image_bytes=settings.max_image_bytes,
            max_unpacked_ratio=settings.max_unpacked_ratio,
            max_name_characters=settings.max_name_characters,
        )

    def most_unpacked(self, packed_bytes: int) -> int:
        """Return to how many bytes an upload of `packed_bytes` may unpack."""
        if math.isinf(self.max_unpacked_ratio):
            return self.max_unpacked_bytes
        unsuspicious = max(int(packed_bytes * self.max_unpacked_ratio), UNSUSPICIOUS_BYTES)
        return min(self.max_unpacked_bytes, unsuspicious)


class Member(NamedTuple):
    """An image of an upload: its fields are columns of its row, in the same order.

    `offset` is absolute in the source: of the local header in a zip, of the data with
    `Method.PLAIN`. `tail_crc32` is the CRC-32 of the last `TAIL_BYTES` where the archive tells
    none of all bytes: it helps to find repeated images. `method` is a `Method`, or the number of
    one that we cannot unpack. With an `error_code` the image is known to be unusable: it gets a
    failed row and is never read.
    """

    path: str
    offset: int
    packed_bytes: int
    unpacked_bytes: int
    crc32: int | None
    tail_crc32: int | None
    method: int
    error_code: str | None


class LocatedMember(Protocol):
    """What `read_members` needs to know; `Member` and the table `Image` both have it."""

    @property
    def path(self) -> str:
        """The name in the archive."""

    @property
    def offset(self) -> int:
        """Where the member begins in the source."""

    @property
    def packed_bytes(self) -> int:
        """How many bytes it takes there."""

    @property
    def unpacked_bytes(self) -> int:
        """How many bytes the image has."""

    @property
    def crc32(self) -> int | None:
        """The CRC-32 of the image's bytes, where the archive tells it."""

    @property
    def method(self) -> int:
        """A `Method`, or the number of one that we cannot unpack."""

    @property
    def error_code(self) -> str | None:
        """Why the image is known to be unusable."""


class Tally:
    """Counts the members of an upload and stops at its limits."""

    def __init__(self, limits: Limits, packed_bytes: int) -> None:
        self.skipped = 0
        self.may_overlap = False
        self._end = 0
        self._entries = 0
        self._unpacked_bytes = 0
        self._max_entries = limits.max_entries
        self._most_unpacked = limits.most_unpacked(packed_bytes)

    def add(self, unpacked_bytes: int) -> None:
        """Count one member, image or not.

        Raises:
            ArchiveError: `too_many_entries` or `too_large_unpacked`.
        """
        self._entries += 1
        self._unpacked_bytes += unpacked_bytes
        if self._entries > self._max_entries:
            raise too_many_entries(self._max_entries)
        if self._unpacked_bytes > self._most_unpacked:
            raise too_large_unpacked(self._most_unpacked)

    def occupy(self, start: int, end: int) -> None:
        """Note where an image lies: what begins before an earlier one's end may share its bytes."""
        if start < self._end:
            self.may_overlap = True
        if end > self._end:
            self._end = end


class Listing:
    """The images of an upload, in archive order, read as one goes; may be iterated once.

    Iterating raises ArchiveError when the archive is damaged or breaks a limit.
    """

    def __init__(self, members: Iterator[Member], tally: Tally) -> None:
        self._members = members
        self._tally = tally

    @property
    def skipped(self) -> int:
        """Members seen so far that are no images."""
        return self._tally.skipped

    @property
    def may_overlap(self) -> bool:
        """Whether the images seen so far do not simply lie one behind the other."""
        return self._tally.may_overlap

    def __iter__(self) -> Iterator[Member]:
        """Return the members; the second time there are none left."""
        return self._members


def too_many_entries(limit: int) -> ArchiveError:
    """Return the error of an archive with too many members."""
    return ArchiveError(
        "too_many_entries", "The archive has more than %(limit)s members.", limit=limit
    )


def too_large_unpacked(limit: int) -> ArchiveError:
    """Return the error of an archive that unpacks to too many bytes."""
    return ArchiveError(
        "too_large_unpacked", "The archive unpacks to more than %(limit)s bytes.", limit=limit
    )
